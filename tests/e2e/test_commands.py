"""Types the commands of the README and of the tutorial, at the addresses that these pages name.

The tests depend on their order, because the addresses are fixed: a command that keeps running
starts after the previous one has ended. Commands that need a running stack share one.
"""

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from stack import dashboards
from stack.addresses import WELL_KNOWN, Addresses
from stack.errors import StackError
from stack.values import ROOT

from tests import checkout
from tests.documentation import blocks, commands, console, diff, documented
from tests.e2e.backends import eventually
from tests.terminal import Running, attempt, run, running

# Where there is docker, the first `make stack` pulls the images.
pytestmark = pytest.mark.timeout(400)

SERVICE = "http://localhost:8080"  # the README's
JAEGER = "http://localhost:16686"
PORT = f"{SERVICE}/ports/AEAJM"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
PANELS = ROOT / ".stack" / "panels"
TUTORIAL = "docs/tutorial.md"
ALERT_SECONDS = 240  # three minutes, says the page


def readme(words: str) -> str:
    return documented("README.md", words)


def assert_nothing_is_left(processes: set[int], *names: str) -> None:
    """No process that a command started is left, and its addresses are free again."""
    assert len(processes) > 1
    eventually(lambda: not [pid for pid in processes if psutil.pid_exists(pid)], 10)
    eventually(lambda: all(map(is_free, names)), 10)


def is_free(name: str) -> bool:
    try:
        return Addresses(well_known=True).port(name) > 0
    except StackError:
        return False


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    log = tmp_path_factory.mktemp("stack") / "terminal.log"
    with running(readme("make stack"), log) as typed:
        typed.wait_until_printed("All ready in", 300)
        yield typed


def test_make_run_serves_where_the_readme_says(tmp_path: Path) -> None:
    assert Addresses(well_known=True).port("ports") == 8080  # taken, it says by what
    with running(readme("make run"), tmp_path / "terminal.log") as typed:
        assert eventually(lambda: httpx.get(PORT).json()["name"]) == "Ajman"
        assert httpx.get(f"{SERVICE}/docs").is_success
        processes = typed.processes()
        typed.interrupt()
    assert_nothing_is_left(processes, "ports")


def test_make_run_jaeger_shows_the_trace_of_a_request(tmp_path: Path) -> None:
    with running(readme("make run-jaeger"), tmp_path / "terminal.log") as typed:
        typed.wait_until_printed("(Ctrl-C stops)")
        assert httpx.get(PORT, headers=TRACEPARENT).json()["name"] == "Ajman"
        spans = eventually(lambda: httpx.get(f"{JAEGER}/api/traces/{TRACE}").json()["data"])
        assert "GET /ports/{id}" in {span["operationName"] for span in spans[0]["spans"]}
        processes = typed.processes()
        typed.interrupt()
    assert "\nstopped\n" in typed.printed()
    assert_nothing_is_left(processes, "jaeger", "ports")


def test_make_stack_serves_at_the_addresses_that_it_prints(stack: Running) -> None:
    printed = dict(
        re.findall(r"^(\w+) +\w+ +[\d.]+ s +(http://\S+)$", stack.printed(), re.MULTILINE)
    )
    assert printed.keys() >= {"alertmanager", "jaeger", "loki", "ports", "prometheus"}
    assert {name: httpx.get(url).status_code for name, url in printed.items()} == dict.fromkeys(
        printed, 200
    )
    assert httpx.get(PORT, headers=TRACEPARENT).json()["name"] == "Ajman"
    assert eventually(lambda: httpx.get(f"{JAEGER}/api/traces/{TRACE}").json()["data"])


def test_a_second_make_stack_is_refused_and_the_first_one_keeps_its_data(stack: Running) -> None:
    code, printed = attempt(readme("make stack"))
    assert code != 0
    assert "ports: port 8080 is taken" in printed
    assert (ROOT / ".stack" / "log" / "jaeger.log").is_file()


def test_make_load_drives_the_service_and_no_request_fails(stack: Running) -> None:
    # Locust's exit code says whether one failed that should not have.
    printed = run(f"{readme('make load')} LOAD_SECONDS=5")
    [requests] = re.findall(r"Aggregated +(\d+) +0\(0.00%\)", printed)
    assert int(requests) > 50


def test_make_panels_draws_every_dashboard(stack: Running) -> None:
    run(f"{readme('make panels')} MINUTES=1", seconds=300)  # npm installs at first use
    uids = {dashboards.read(file)["uid"] for file in dashboards.FILES}
    assert {picture.stem for picture in PANELS.glob("*.png")} == uids != set()


def test_make_chaos_makes_requests_fail_until_it_is_off(stack: Running) -> None:
    run("make chaos FAULT=errors")
    assert eventually(lambda: httpx.get(PORT).is_server_error, 10)
    run("make chaos FAULT=off")
    assert eventually(lambda: httpx.get(PORT).is_success, 10)


def test_ctrl_c_leaves_nothing_of_make_stack(stack: Running) -> None:
    processes = stack.processes()
    assert len(processes) > 8  # a process of each component, and make
    stack.interrupt()
    assert "\nstopped\n" in stack.printed()
    assert_nothing_is_left(processes, *WELL_KNOWN)


class Reader:
    """Types the commands of the tutorial in a fresh copy of the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.left = [
            command for block in blocks() if block.page == TUTORIAL for command in commands(block)
        ]
        self._shown = dict(console(TUTORIAL))

    def reads(self, words: str) -> str:
        """Return the next command, which begins with these words."""
        command = self.left.pop(0)
        assert command.startswith(words)
        return command

    def types(self, words: str) -> str:
        """Run the next command, compare its output with the page, and return the output."""
        command = self.reads(words)
        printed = run(command, folder=self.folder, seconds=600)
        assert self._shown.get(command, printed) == printed
        return printed


@pytest.mark.timeout(900)
def test_the_tutorial_leads_from_a_clone_to_an_alert_and_back(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "ports-platform")
    checkout.clone_to(reader.folder)
    with running(reader.reads("make run"), tmp_path / "run.log", folder=reader.folder):
        # The first start installs the packages.
        assert eventually(lambda: httpx.get(f"{SERVICE}/live").is_success, 300)
        reader.types("curl -s localhost:8080/ports/AEAJM")
        reader.types("curl -s localhost:8080/metrics")
    reader.types("make setup")
    (tmp_path / "change").write_text(diff(TUTORIAL))
    run(f"git apply {tmp_path}/change", folder=reader.folder)
    reader.types(".venv/bin/slo validate")
    reader.types(".venv/bin/slo explain")
    reader.types("make generate")
    with running(reader.reads("make stack"), tmp_path / "stack.log", folder=reader.folder) as stack:
        stack.wait_until_printed("All ready", 300)
        loop = f"bash -c {shlex.quote(reader.reads('while sleep 1'))}"
        with running(loop, tmp_path / "loop.log"):
            reader.types("make chaos FAULT=errors")
            asks = reader.reads("curl -s localhost:9093/api/v2/alerts | grep -o '\"alertname")
            started = time.monotonic()
            fires = '"alertname":"PortsAvailabilityBurn1h"'
            assert eventually(lambda: fires in attempt(asks)[1].splitlines(), ALERT_SECONDS)
            print(f"  the alert fired after {time.monotonic() - started:.0f} s")
            assert '"alertname":"PortsSloWatchdog"' in run(asks).splitlines()
            links = reader.types("curl -s localhost:9093/api/v2/alerts | grep -o '\"[a-z]*_url")
            assert "/services/ports/runbooks/availability.md" in links
            reader.types("make chaos FAULT=off")
            assert eventually(lambda: httpx.get(PORT).is_success, 10)
    reader.types("git restore .")
    assert run("git status --porcelain", folder=reader.folder) == ""
    assert reader.left == []
