"""The running service against its own OpenAPI document, over each store."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.seaports.conftest import TOKEN
from tests.service import Service

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = 200  # an operation, in the fuzzing phase as in the stateful one


@pytest.mark.timeout(900)
@pytest.mark.parametrize("store", ["memory", "postgres"])
def test_what_the_openapi_document_says_is_true(
    store: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    service: Service = request.getfixturevalue(f"{store}_service")
    before = service.client.get("/ready").json()["ports"]
    done = subprocess.run(
        [
            *(
                Path(sys.executable).parent / "schemathesis",
                "--config-file",
                CONFIG,
                "run",
                f"{service.url}/openapi.json",
            ),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--checks", "all", "--max-examples", str(EXAMPLES), "--continue-on-failure"),
            *("--header", f"Authorization: Bearer {TOKEN}", "--no-color"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    operations = re.search(r"Selected: (\d+)/(\d+)", done.stdout)
    assert generated is not None
    assert operations is not None
    assert operations[1] == operations[2] == ("4" if store == "memory" else "6")
    assert int(generated[1]) >= EXAMPLES * int(operations[1])
    assert service.process.poll() is None
    assert service.client.get("/ready").json()["ports"] >= (before if store == "memory" else 1)
