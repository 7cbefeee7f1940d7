"""The start of the service: a wrong configuration stops it with one clear line."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from seaports.names import IMPORT_EVENT
from telemetry.names import START_REFUSED_EVENT

from tests import service


def refused(**settings: str) -> str:
    """Return why a start is refused: one line says it, beside that of an import that failed."""
    done = service.start_refused(**settings)
    assert done.stderr == b""
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    (line,) = [line for line in lines if line["level"] != "info" and line["event"] != IMPORT_EVENT]
    assert (line["level"], line["event"]) == ("critical", START_REFUSED_EVENT)
    return str(line["reason"])


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (
            {"PORTS_THREADS": "many"},
            ("PORTS_THREADS=many: must be a whole number between 1 and 256 (threads per worker)"),
        ),
        (
            {"PORTS_THREADS": "0"},
            "PORTS_THREADS=0: must be a whole number between 1 and 256 (threads per worker)",
        ),
        (
            {"PORTS_STORE_URL": "mysql://root:hunter2@db/ports"},
            (
                "PORTS_STORE_URL: must be memory:// or a postgresql:// URL"
                " (`memory://`, or a `postgresql://` URL with user, password, host and database)"
            ),
        ),
        (
            {"PORTS_WRITE_TOKEN": "long-enough-to-be-one"},
            (
                "PORTS_WRITE_TOKEN: the memory store is read-only over HTTP (unset it, or set"
                " PORTS_STORE_URL to a postgresql:// URL)"
            ),
        ),
        (
            {"PORTS_DATA_FILE": "nope.json"},
            "PORTS_DATA_FILE=nope.json: No such file or directory",
        ),
        (
            {"PORTS_DATA_FILE": "manage.py"},
            "PORTS_DATA_FILE=manage.py: the file must be a JSON object of ports by UN/LOCODE",
        ),
    ],
)
def test_a_wrong_configuration_stops_the_start_with_one_line(
    settings: dict[str, str], reason: str
) -> None:
    assert refused(**settings) == reason


def test_a_host_that_the_shell_set_is_refused_at_once() -> None:
    printed = service.start_refused(HOST="x86_64-conda-linux-gnu").stdout
    (line,) = printed.splitlines()  # no retries, nothing loaded
    assert json.loads(line)["reason"] == (
        "HOST=x86_64-conda-linux-gnu: not an IP address of this machine (your shell may have set"
        " HOST: unset it, or set 127.0.0.1, ::1, 0.0.0.0 or ::)"
    )


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_metrics_port_is_reported(workers: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        reason = refused(METRICS_PORT=str(port), WEB_CONCURRENCY=workers)
    assert reason == f"METRICS_PORT={port}: address already in use (choose another port)"


def test_a_port_that_is_taken_is_named_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refused(PORT=str(port)) == (
            f"PORT={port}: address already in use (choose another port)"
        )


# A value that makes a start fail, for each kind of variable, and the begin of the line.
NONSENSE = {
    "HOST": ("[127.0.0.1", "HOST=[127.0.0.1: not an IP address of this machine"),
    "PORT": ("http", "PORT=http: must be a whole number between 1 and 65535 (TCP port to"),
    "METRICS_PORT": ("0", "METRICS_PORT=0: must be a whole number between 1 and 65535"),
    "WEB_CONCURRENCY": (
        "many",
        "WEB_CONCURRENCY=many: must be a whole number between 1 and 64 (worker processes)",
    ),
    "PORTS_TRUSTED_PROXIES": ("foo", "PORTS_TRUSTED_PROXIES=foo: must be IP addresses"),
    "PORTS_STORE_URL": (
        "postgres://h:notaport/d",
        "PORTS_STORE_URL: the port must be between 1 and 65535",
    ),
    "PORTS_WRITE_TOKEN": (
        "long enough, but two words",
        "PORTS_WRITE_TOKEN: must consist of letters, digits",
    ),
    "PORTS_STATEMENT_SECONDS": (
        "0",
        "PORTS_STATEMENT_SECONDS=0: must be a number between 0.1 and 600",
    ),
    "PORTS_DRAIN_SECONDS": ("nan", "PORTS_DRAIN_SECONDS=nan: must be a number between 0 and 600"),
    "LOG_LEVEL": ("loud", "LOG_LEVEL=loud: must be one of debug, info"),
    "TELEMETRY_FAST": ("perhaps", "TELEMETRY_FAST=perhaps: must be true or false"),
    "OTEL_TRACES_SAMPLER_ARG": ("2", "OTEL_TRACES_SAMPLER_ARG=2: must be a number between 0"),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("0", "OTEL_BSP_MAX_QUEUE_SIZE=0: must be a whole number"),
    "OTEL_EXPORTER_OTLP_TIMEOUT": ("soon", "OTEL_EXPORTER_OTLP_TIMEOUT=soon: must be a number"),
}


@pytest.mark.parametrize("variable", NONSENSE)
def test_an_invalid_value_is_reported_in_one_line(variable: str) -> None:
    value, reason = NONSENSE[variable]
    assert refused(**{variable: value}).startswith(reason)


def test_a_variable_that_gunicorn_itself_would_read_decides_nothing(tmp_path: Path) -> None:
    with service.running(tmp_path, FORWARDED_ALLOW_IPS="nonsense"):
        pass


def refused_by_a_shell(script: str) -> subprocess.CompletedProcess[str]:
    """Start the service, as `$@`, by a line of a shell."""
    done = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "service.gunicorn"],
        cwd=service.FOLDER,
        env=service.environment(
            PORT=str(service.free_port()),
            METRICS_PORT=str(service.free_port()),
            TMPDIR="/nowhere",
        ),
        capture_output=True,
        text=True,
        timeout=service.DEADLINE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    return done


def test_a_closed_standard_output_is_said_on_standard_error() -> None:
    done = refused_by_a_shell('exec "$@" >&-')
    assert done.stderr == (
        "standard output is closed: log lines go there (to have none, open it to /dev/null)\n"
    )


def test_no_folder_that_can_be_written_to_is_said_in_one_line() -> None:
    done = refused_by_a_shell('ulimit -f 0; exec "$@"')
    (line,) = done.stdout.splitlines()
    assert json.loads(line)["reason"] == (
        "TMPDIR=/nowhere: neither it nor /tmp can be written to (mount a folder there, or set"
        " TMPDIR to one)"
    )


def test_a_misspelt_setting_is_found_by_check() -> None:
    done = service.manage("check", settings={"PORTS_WRITE_TOKNE": "x"})
    assert done.returncode == 1
    assert "service.E003) PORTS_WRITE_TOKNE: unknown setting" in done.stderr.decode()
    assert "HINT: Did you mean PORTS_WRITE_TOKEN?" in done.stderr.decode()


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
        ({"OTEL_PROPAGATORS": "b3"}, "OTEL_PROPAGATORS=b3: must be one of the installed: "),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4317"},
            "OTEL_EXPORTER_OTLP_ENDPOINT=localhost:4317: must be http://HOST:PORT",
        ),
    ],
)
def test_a_variable_of_opentelemetry_that_cannot_work_is_named(
    settings: dict[str, str], reason: str
) -> None:
    assert refused(**settings).startswith(reason)
    done = service.manage("check", settings=settings)
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert json.loads(line)["reason"].startswith(reason)
