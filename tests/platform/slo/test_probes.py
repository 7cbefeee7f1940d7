"""The prober of the chart, run: a real Cloudprober asks a real service, a real Prometheus counts.

The rules are the generated ones, with time compressed.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption
from slo.declaration import load_service
from slo.emit import rule_groups, to_yaml
from slo.generate import service_groups
from slo.model import Slo
from slo.prometheus import connected
from slo.rules import Clock, events
from slo.verify import Finding, verify
from stack import dashboards, prober
from stack.dashboards import fill
from stack.prometheus import prober_job, service_job
from telemetry import names

from tests.gameday.runbook import CAUSES, FIRST_LOOK, RECOVERY, Block, Result, blocks
from tests.platform.slo.real import ROOT, Prometheus, prometheus, serving, tool
from tests.service import Service, free_port, running
from tests.support.harness import wait_for
from tests.support.probes import SERVICE, declared

# Its file enables the prober, and the runbook's queries name it.
ENVIRONMENT = "prod"
WINDOW = "4s"
# An hour is two minutes, and 15 s between two scrapes are half a second.
SCALE = 1 / 30
SCRAPE_SECONDS = 0.5


@dataclass
class Probed:
    """A service, and what Prometheus knows of it from outside."""

    service: Service
    server: Prometheus
    slo: Slo

    def good_ratio(self) -> float:
        """Share of the last seconds' probes that succeeded; NaN without any."""
        total, good = (
            events("ports", source, WINDOW) for source in (self.slo.total, self.slo.part)
        )
        found = self.server.query(f"({good}) / (({total}) > 0)", time.time())
        return found[0][1] if found else float("nan")

    def firing(self) -> set[str]:
        """Names of the alerts that fire."""
        found = self.server.query('ALERTS{alertstate="firing", slo!=""}', time.time())
        return {labels["alertname"] for labels, _ in found}


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    folder = tmp_path_factory.mktemp("probed")
    with running(folder) as service:
        port = free_port()
        often = {**prober.settings(SERVICE), "port": port}
        config = prober.config(often, "127.0.0.1", int(service.url.rsplit(":", 1)[1]))
        for probe in config["probe"]:
            probe |= {"interval_msec": 500, "timeout_msec": 400, "stats_export_interval_msec": 500}
        file = folder / "cloudprober.yaml"
        with file.open("w") as out:
            YAML().dump({"host": "127.0.0.1", **config}, out)
        (slo,) = load_service(declared(folder))
        groups = service_groups("ports", [slo], load_adoption(ROOT), Clock(SCALE))
        (folder / "rules.yaml").write_text(to_yaml(rule_groups(groups)))
        jobs = [
            prober_job("ports", ENVIRONMENT, f"127.0.0.1:{port}"),
            service_job("ports", ENVIRONMENT, service.url.removeprefix("http://")),
        ]
        scraping = {
            "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
            "scrape_configs": jobs,
            "rule_files": ["rules.yaml"],
        }
        command = (tool("cloudprober"), f"--config_file={file}")
        url = f"http://127.0.0.1:{port}"
        with (
            serving(*command, url=url, ready="/health", log=folder / "prober.log"),
            prometheus(folder, json.dumps(scraping)) as server,
        ):
            yield Probed(service, server, slo)


def test_probes_count_as_good_while_the_service_answers(probed: Probed) -> None:
    wait_for("every probe succeeds", lambda: probed.good_ratio() == 1)
    assert probed.firing() == set()


def test_the_selectors_pick_what_the_prober_counts(probed: Probed) -> None:
    wait_for("every probe succeeds", lambda: probed.good_ratio() == 1)

    def findings() -> list[Finding]:
        with connected(probed.server.url) as server:
            return list(verify(server, [probed.slo], ENVIRONMENT, time.time(), ROOT))

    # Between a scrape that failed on a busy machine and the next one there is no number.
    wait_for("nothing is wrong", lambda: not any(each.wrong for each in findings()))
    assert len(findings()) > 2


def test_the_service_and_its_prober_are_two_targets(probed: Probed) -> None:
    """Else a prober that answers would pass for a service that does."""

    def targets() -> dict[str, float]:
        found = probed.server.query(f'up{{{names.ENVIRONMENT}="{ENVIRONMENT}"}}', time.time())
        return {labels[names.SERVICE_NAME]: value for labels, value in found}

    wait_for("both answer", lambda: targets() == {"ports": 1, "ports-prober": 1})


def runs(probed: Probed, block: Block) -> list[Result]:
    """Return the results of a query of the runbook."""
    found = probed.server.query(block.text, time.time())
    return [Result(labels, value) for labels, value in found]


def test_a_service_that_stops_answering_pages_and_its_runbook_matches(probed: Probed) -> None:
    """It counts nothing itself: its process is stopped, and its socket takes connections."""
    page = ROOT / "services/ports/runbooks/reachability.md"
    down = "No process of the service answers"
    group = os.getpgid(probed.service.process.pid)
    os.killpg(group, signal.SIGSTOP)
    try:
        wait_for("no probe succeeds", below(probed, 0.1))
        wait_for("the page fires", lambda: "PortsReachabilityBurn1h" in probed.firing())
        for block in blocks(page, FIRST_LOOK, CAUSES):
            expected = block.expected if block.cause in {None, down} else block.otherwise
            found = runs(probed, block)
            assert expected is None or expected.holds(found), (block, found)
        assert f"### {down}" in page.read_text()
    finally:
        os.killpg(group, signal.SIGCONT)
    wait_for("probes succeed again", lambda: probed.good_ratio() == 1)
    recovery = blocks(page, RECOVERY)

    def recovered() -> bool:
        return all(block.expected.holds(runs(probed, block)) for block in recovery)

    wait_for("the runbook sees it recover", recovered)


def test_every_panel_of_its_dashboard_has_data(probed: Probed) -> None:
    (file,) = (each for each in dashboards.FILES if each.stem == probed.slo.name)
    queries = [
        (panel["title"], target["expr"].replace("$environment", ENVIRONMENT))
        for panel in dashboards.panels(dashboards.read(file))
        for target in panel.get("targets", [])
    ]
    assert len(queries) > 5
    for title, expr in queries:
        shown = f"last_over_time(({fill(expr, SCRAPE_SECONDS)})[2m:1s])"
        assert probed.server.query(shown, time.time()), (title, shown)


def below(probed: Probed, ratio: float) -> Callable[[], bool]:
    return lambda: probed.good_ratio() < ratio
