"""Jaeger of the profile `scaled`: the check of its configuration, and the storage that it opens.

No OpenSearch runs here, so nothing is stored: `jaeger validate` and a refused start stand for it.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from stack import values

from tests.platform.slo.real import tool
from tests.service import free_port

SECONDS = 60.0  # Jaeger tries for five


def jaeger(config: values.Values, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run Jaeger, whose OpenSearch is an address where nobody listens."""
    file = folder / "jaeger.yaml"
    with file.open("w") as out:
        YAML().dump(config, out)
    listening = {
        f"{name}_ENDPOINT": f"127.0.0.1:{free_port()}"
        for name in ("HEALTH", "QUERY_HTTP", "QUERY_GRPC", "OTLP_GRPC", "OTLP_HTTP")
    }
    env: Mapping[str, str] = {
        **os.environ,
        **listening,
        "METRICS_HOST": "127.0.0.1",
        "METRICS_PORT": str(free_port()),
        "STORAGE_DIRECTORY": str(folder / "badger"),
        "OPENSEARCH_URL": f"http://127.0.0.1:{free_port()}",
        "OPENSEARCH_USERNAME": "jaeger",
        "OPENSEARCH_PASSWORD": "only-for-tests",
    }
    return subprocess.run(
        [tool("jaeger"), *command, "--config", str(file)],
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def test_jaeger_accepts_its_configuration(tmp_path: Path) -> None:
    done = jaeger(values.jaeger("scaled"), tmp_path, "validate")
    assert done.returncode == 0, done.stderr


def test_jaeger_refuses_a_misspelled_key(tmp_path: Path) -> None:
    wrong = {"opensearch": {"opensearch": {"server_url": "http://127.0.0.1:9"}}}
    config = values.merge(
        values.jaeger("scaled"), {"extensions": {"jaeger_storage": {"backends": wrong}}}
    )
    done = jaeger(config, tmp_path, "validate")
    assert done.returncode != 0
    assert "server_url" in done.stderr


def test_jaeger_does_not_start_without_opensearch(tmp_path: Path) -> None:
    done = jaeger(values.jaeger("scaled"), tmp_path)
    assert done.returncode != 0
    assert "failed to initialize storage 'opensearch'" in done.stderr


@pytest.mark.parametrize("part", ["reads", "writes"])
def test_jaeger_uses_the_storage_that_keeps_traces(part: str) -> None:
    """Badger is opened too, because Helm removes no key."""
    config = values.jaeger("scaled")
    storage = {
        "reads": config["extensions"]["jaeger_query"]["storage"]["traces"],
        "writes": config["exporters"]["jaeger_storage_exporter"]["trace_storage"],
    }[part]
    assert list(config["extensions"]["jaeger_storage"]["backends"][storage]) == ["opensearch"]
