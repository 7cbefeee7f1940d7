"""The page on probes, run: a real Cloudprober asks a real service, and a real Prometheus counts."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from slo.declaration import load_service
from slo.model import Slo
from slo.prometheus import connected
from slo.rules import events
from slo.verify import verify

from tests.platform.slo.real import Prometheus, prometheus, serving, tool
from tests.service import Service, free_port, running
from tests.support.harness import wait_for
from tests.support.probes import PROBER, declared

WINDOW = "4s"


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


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probed]:
    folder = tmp_path_factory.mktemp("probed")
    with running(folder) as service:
        port = free_port()
        prober = folder / "cloudprober.yaml"
        config = replaced(
            PROBER,
            ("port: 9313", f"host: 127.0.0.1\nport: {port}"),
            ("ports.ports-prod.svc", "127.0.0.1"),
            ("port: 80}", f"port: {service.url.rsplit(':', 1)[1]}}}"),
            ("interval_msec: 5000\n    timeout", "interval_msec: 500\n    timeout"),
            ("timeout_msec: 1000", "timeout_msec: 400"),
            ("export_interval_msec: 5000", "export_interval_msec: 500"),
        )
        prober.write_text(config)
        url = f"http://127.0.0.1:{port}"
        command = (tool("cloudprober"), f"--config_file={prober}")
        job = {
            "job_name": "prober",
            "honor_labels": True,
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
        scraping = json.dumps({"global": {"scrape_interval": "500ms"}, "scrape_configs": [job]})
        with (
            serving(*command, url=url, ready="/metrics", log=folder / "prober.log"),
            prometheus(folder, scraping) as server,
        ):
            (slo,) = load_service(declared(folder))
            yield Probed(service, server, slo)


def test_probes_count_as_good_while_the_service_answers(probed: Probed) -> None:
    wait_for("every probe succeeds", lambda: probed.good_ratio() == 1)


def test_the_selectors_pick_what_the_prober_counts(probed: Probed) -> None:
    wait_for("every probe succeeds", lambda: probed.good_ratio() == 1)
    with connected(probed.server.url) as server:
        findings = list(verify(server, [probed.slo], "prod", time.time()))
    assert not [each for each in findings if each.wrong], findings


def test_a_service_that_no_longer_answers_fails_its_probes(probed: Probed) -> None:
    """It counts nothing itself: its process is stopped, and its socket takes connections."""
    group = os.getpgid(probed.service.process.pid)
    os.killpg(group, signal.SIGSTOP)
    try:
        wait_for("no probe succeeds", below(probed, 0.1))
    finally:
        os.killpg(group, signal.SIGCONT)
    wait_for("probes succeed again", lambda: probed.good_ratio() == 1)


def below(probed: Probed, ratio: float) -> Callable[[], bool]:
    return lambda: probed.good_ratio() < ratio
