"""The running service against its own OpenAPI document, over each store."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import service
from tests.service import Service
from tests.support.over_postgres import TOKEN, over_postgres
from tests.support.thorough import scaled

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = scaled(200)  # an operation, in the fuzzing phase as in the stateful one
# The same cases for the same code: a red run is about the change. Any other number explores.
SEED = os.environ.get("PORTS_TEST_SEED", "1634")


@pytest.fixture(params=["memory", "postgres"])
def own_service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    """A service that no other test reads from: what is tried here stays in it."""
    if request.param == "memory":
        with service.running(tmp_path) as running:
            yield running
    else:
        server: str = request.getfixturevalue("postgres_server")
        with over_postgres(server, "ports_openapi", tmp_path) as running:
            yield running


@pytest.mark.timeout(900)
def test_the_service_conforms_to_its_openapi_document(own_service: Service, tmp_path: Path) -> None:
    paths = own_service.client.get("/openapi.json").json()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    # Probes and the root take no input: there is one example of each.
    with_input = [operation for operation in operations if operation["parameters"]]
    done = subprocess.run(
        [
            *(
                Path(sys.executable).parent / "schemathesis",
                "--config-file",
                CONFIG,
                "run",
                f"{own_service.url}/openapi.json",
            ),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
            *("--seed", SEED),
            *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
        ],
        cwd=tmp_path,
        # Coverage is measured of the service; of its client it would only take time.
        env={name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")},
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    selected = re.search(r"Selected: (\d+)/(\d+)", done.stdout)
    assert generated is not None
    assert selected is not None
    print(f"\n{selected[1]} operations, {generated[1]} test cases, no failure")
    assert int(selected[1]) == int(selected[2]) == len(operations)
    assert len(with_input) == len(operations) - 3
    assert int(generated[1]) >= EXAMPLES * len(with_input)
    assert own_service.process.poll() is None
    assert own_service.client.get("/ready").status_code == httpx.codes.OK
