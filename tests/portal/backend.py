"""A real Backstage backend, configured as docs/how-to/register-the-catalog.md tells."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from ruamel.yaml import YAML
from slo.adoption import load_adoption

from tests import postgres
from tests.service import ROOT, free_port

HERE = Path(__file__).parent
PLATFORM = ROOT / "platform/backstage"
TOKEN = "a-token-of-the-tests"  # noqa: S105 - of this backend alone
# The tools that no test of a backend asks.
NOWHERE = {
    f"{name}_{kind}": "http://127.0.0.1:9"
    for name in ("GRAFANA", "PROMETHEUS", "ARGOCD", "KUBERNETES")
    for kind in ("URL", "DOMAIN")
}
TOKENS = {f"{name}_TOKEN": "none" for name in ("GRAFANA", "ARGOCD", "KUBERNETES", "GITHUB", "ACME")}
# TechDocs runs the mkdocs that `make docs` runs.
WITH_MKDOCS = {"PATH": f"{ROOT / '.venv-docs/bin'}:{os.environ['PATH']}"}
yaml = YAML(typ="safe")


def wait_for(condition: Callable[[], Any], seconds: float = 200) -> Any:
    """Return what a condition returns as soon as it is true of anything."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)
    return found


@contextmanager
def running(command: list[Any], log: Path, ready: str, **variables: str) -> Iterator[None]:
    """Run a program, wait until it answers at an address, and end it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=HERE, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: answers(process, ready, log), 400)
            yield
        finally:
            process.terminate()
            process.wait(30)


def answers(process: subprocess.Popen[bytes], ready: str, log: Path) -> bool:
    """Tell whether a program answers 200; fail if it has ended."""
    assert process.poll() is None, log.read_text()[-4000:]
    try:
        return httpx.get(ready).status_code == 200
    except httpx.TransportError:
        return False


def owners_configuration() -> Any:
    """Do what the page says: copy each entry into the list of the owner's app-config."""
    config = yaml.load(ROOT / "tests/platform/backstage/owner.app-config.yaml")
    entries = yaml.load(PLATFORM / "app-config.yaml")
    copy_entries(entries, config)
    # The targets of the owner's own entries are not here.
    del config["catalog"]["locations"][0], config["kubernetes"]["clusterLocatorMethods"][0]
    return config


def copy_entries(entries: Any, config: Any) -> None:
    """Add the entries of each list to the list of the same name, which `config` may not have."""
    for name, value in entries.items():
        if isinstance(value, list):
            config.setdefault(name, []).extend(value)
        else:
            copy_entries(value, config.setdefault(name, {}))


def of_tests(at: str, github: str, database: httpx.URL, folder: Path) -> Any:
    """Return the app-config that makes a backend the tests' own: addresses, database, token."""
    return {
        "app": {"baseUrl": at},
        "backend": {
            "baseUrl": at,
            "listen": {"host": "127.0.0.1", "port": httpx.URL(at).port},
            "database": {
                "client": "pg",
                "prefix": f"{folder.name}_",
                "connection": {
                    "host": database.host, "port": database.port, "user": database.username,
                    "password": database.password,
                },
            },
            "auth": {
                "externalAccess": [
                    {"type": "static", "options": {"token": TOKEN, "subject": "tests"}}
                ]
            },
        },
        "techdocs": {"publisher": {"local": {"publishDirectory": str(folder / "docs")}}},
        "integrations": {
            "github": [{"host": "github.com", "apiBaseUrl": github, "token": "none"}]
        },
    }  # fmt: skip


@contextmanager
def backend(
    folder: Path, github: str, *configurations: Path, **variables: str
) -> Iterator[httpx.Client]:
    """Run a backend over PostgreSQL, and yield a client that it trusts.

    Args:
        folder: Where its files go; its name is the prefix of its databases.
        github: Address of GitHub's interface.
        configurations: Files to pass as `--config` after the owner's.
        variables: What the environment has beside the process's own.
    """
    at = f"http://127.0.0.1:{free_port()}"
    with postgres.cluster() as server:
        files = [folder / "app-config.yaml", *configurations, folder / "app-config.tests.yaml"]
        files[0].write_text(json.dumps(owners_configuration()))
        files[-1].write_text(json.dumps(of_tests(at, github, httpx.URL(server.url), folder)))
        command = ["node", "--no-node-snapshot", HERE / "backend.mjs"]
        command += [part for file in files for part in ("--config", file)]
        ready = f"{at}/.backstage/health/v1/readiness"
        environment = NOWHERE | TOKENS | {
            "NODE_ENV": "development",
            "PORTS_PLATFORM_REPOSITORY": load_adoption(ROOT).repository,
            "KUBERNETES_CA": "bm9uZQ==",
        } | variables  # fmt: skip
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with (
            running(command, folder / "backend.log", ready, **environment),
            httpx.Client(base_url=at, headers=headers, timeout=60) as client,
        ):
            yield client


def has(client: httpx.Client, reference: str) -> bool:
    """Tell whether the catalog has an entity such as `component/default/ports`."""
    path = f"/api/catalog/entities/by-name/{reference}"
    return client.get(path).status_code == 200
