"""What a start makes of its configuration: a wrong one stops it with one clear line."""

import json
import os
import socket
from pathlib import Path

import psutil
import pytest

from tests import service


def refused(**settings: str) -> list[dict[str, str]]:
    """Return the critical lines of a start that is refused."""
    printed = service.start_refused(**settings).stdout
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return [line for line in lines if line["level"] == "critical"]


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"PORTS_THREADS": "many"},
            (
                "PORTS_THREADS: Input should be a valid integer, unable to parse string as an"
                " integer (Threads per worker.)"
            ),
        ),
        (
            {"PORTS_THREADS": "0"},
            "PORTS_THREADS: Input should be greater than or equal to 1 (Threads per worker.)",
        ),
        (
            {"PORTS_STORE_URL": "mysql://root:hunter2@db/ports"},
            (
                "PORTS_STORE_URL: Value error, expected memory:// or a postgresql:// URL"
                " (`memory://`, or a `postgresql://` URL with user, password, host,"
                " database.)"
            ),
        ),
        (
            {"PORTS_WRITE_TOKEN": "long-enough-to-be-one"},
            (
                "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP (Unset it, or set"
                " PORTS_STORE_URL to a postgresql:// URL.)"
            ),
        ),
        (
            {"PORTS_DATA_FILE": "nope.json"},
            "PORTS_DATA_FILE nope.json: No such file or directory",
        ),
        (
            {"PORTS_DATA_FILE": "manage.py"},
            "PORTS_DATA_FILE manage.py: the top level is not an object of ports by UN/LOCODE",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(settings: dict[str, str], reason: str) -> None:
    assert [line["reason"] for line in refused(**settings)] == [reason]


def test_a_host_that_the_shell_set_is_refused_at_once() -> None:
    printed = service.start_refused(HOST="x86_64-conda-linux-gnu").stdout
    (line,) = printed.splitlines()  # no retries, nothing loaded
    assert json.loads(line)["reason"] == (
        "HOST=x86_64-conda-linux-gnu: not an IP address of this machine (your shell may have set"
        " HOST: unset it, or set 127.0.0.1 or 0.0.0.0)"
    )


def test_a_metrics_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (line,) = refused(METRICS_PORT=str(port))
    assert line["reason"] == (
        f"METRICS_PORT={port}: address already in use (choose another port, or unset METRICS_PORT)"
    )


def test_a_misspelt_setting_is_found_by_check() -> None:
    done = service.manage("check", settings={"PORTS_WRITE_TOKNE": "x"})
    assert done.returncode == 0
    assert "ports.W001) PORTS_WRITE_TOKNE: no such setting" in done.stderr.decode()
    assert "HINT: Is PORTS_WRITE_TOKEN meant?" in done.stderr.decode()


@pytest.mark.parametrize("store", ["memory", "postgresql"])
def test_check_deploy_is_clean(store: str) -> None:
    settings = (
        {"PORTS_STORE_URL": "postgresql://u:p@127.0.0.1:1/x"} if store == "postgresql" else {}
    )
    done = service.manage("check", "--deploy", "--fail-level", "WARNING", settings=settings)
    assert (done.returncode, done.stdout.decode().strip()) == (
        0,
        "System check identified no issues (3 silenced).",
    )


def test_the_migrations_are_those_of_the_models() -> None:
    settings = {"PORTS_STORE_URL": "postgresql://u:p@127.0.0.1:1/x"}
    done = service.manage("makemigrations", "--check", "--dry-run", "ports", settings=settings)
    assert (done.returncode, done.stdout.decode().strip()) == (
        0,
        "No changes detected in app 'ports'",
    )


def test_every_command_has_help() -> None:
    done = service.manage("import_ports", "--help", settings={})
    assert done.returncode == 0
    assert "Create or update ports from a JSON file" in done.stdout.decode()
    assert "--skip-invalid" in done.stdout.decode()


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux keeps to a core")
def test_a_worker_keeps_to_one_core_if_the_environment_says_so(tmp_path: Path) -> None:
    with service.running(tmp_path, PORTS_CPU_AFFINITY="true") as running:
        (worker,) = psutil.Process(running.process.pid).children()
        assert os.sched_getaffinity(worker.pid) == {min(os.sched_getaffinity(0))}


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"OTEL_PROPAGATORS": "b3"}, "OTEL_PROPAGATORS=b3: installed are "),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"},
            "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317: expected http://HOST:PORT",
        ),
    ],
)
def test_a_variable_of_opentelemetry_that_cannot_work_is_named(
    settings: dict[str, str], reason: str
) -> None:
    assert [line["reason"].startswith(reason) for line in refused(**settings)] == [True]
    done = service.manage("check", settings=settings)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert json.loads(line)["reason"].startswith(reason)
