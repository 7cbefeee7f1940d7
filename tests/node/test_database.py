"""The service over PostgreSQL on a real node: migrations before pods, then reads and outages."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest
from stack.postgresql import Server

from tests import postgres
from tests.e2e.backends import eventually
from tests.node import machine
from tests.node.release import Release

PROBED_SECONDS = 12  # two readiness probes, after which the kubelet would act
TOKEN = "a-token-of-tests-only"  # noqa: S105 - of a throw-away server
AJMAN = {"name": "Ajman", "city": "Ajman", "country": "United Arab Emirates"}


@pytest.fixture
def server() -> Iterator[Server]:
    """A PostgreSQL server beside the node. Pods log in to it with a password."""
    with postgres.cluster() as running:
        with (running.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {machine.PODS} scram-sha-256\n")
        running.stop()
        running.start("fsync=off", f"listen_addresses={machine.ADDRESS}")
        yield running


def test_the_service_migrates_writes_and_outlives_its_database(
    ports: Release, server: Server
) -> None:
    url = server.url.replace("127.0.0.1", machine.ADDRESS)
    literals = (f"--from-literal=url={url}", f"--from-literal=token={TOKEN}")
    ports.kubectl("create", "secret", "generic", "ports", *literals)
    ports.upgrade(
        f"--set 'postgresql.peers[0].ipBlock.cidr={machine.ADDRESS}/32'",
        postgresql__enabled="true",
        postgresql__existingSecret="ports",
        postgresql__port=str(server.port),
        secretEnv__PORTS_WRITE_TOKEN__secret="ports",  # noqa: S106 - a name
        secretEnv__PORTS_WRITE_TOKEN__key="token",  # noqa: S106 - a name
    )
    base = f"http://{ports.address()}:8080"
    with httpx.Client(base_url=base, timeout=30) as client:
        assert client.get("/ready").json()["ports"] == 0
        written = client.put(
            "/ports/AEAJM",
            content=json.dumps(AJMAN),
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
        )
        assert written.status_code == 201, written.text
        assert client.get("/ports/AEAJM").json()["name"] == "Ajman"
        server.stop("immediate")
        eventually(lambda: client.get("/ready").json()["status"] == "degraded")
        time.sleep(PROBED_SECONDS)
        (pod,) = ports.pods()
        assert pod["status"]["containerStatuses"][0]["ready"]
        server.start("fsync=off", f"listen_addresses={machine.ADDRESS}")
        eventually(lambda: client.get("/ports/AEAJM").status_code == 200)
        (pod,) = ports.pods()
        assert pod["status"]["containerStatuses"][0]["restartCount"] == 0
