"""How late a rule reads what another group records, measured on a real Prometheus."""

import json
import time
from collections.abc import Iterator

import pytest
from slo import probes
from slo.adoption import load_adoption
from slo.emit import rule_groups
from slo.generate import service_groups
from slo.model import Slo
from slo.rules import EVALUATION_INTERVAL, Clock
from slo.series import error_ratio, of_slo, total
from slo.windows import BURN_WINDOWS

from tests.platform.slo.real import ROOT, Prometheus, prometheus

SCALE = 1 / 30
INTERVAL = EVALUATION_INTERVAL.total_seconds() * SCALE
EVALUATIONS = 20
# A busy machine evaluates a group a little after its time.
SLACK = 0.2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, slos: list[Slo]) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("groups")
    groups = service_groups("ports", slos, load_adoption(ROOT), Clock(SCALE))
    # Something to count that is always there: Prometheus' own requests, under the service's names.
    (folder / "rules.yaml").write_text(json.dumps(rule_groups(groups)))
    events = "http_server_request_duration_seconds_count"
    labels = {"service_name": "ports", "deployment_environment_name": "prod"}
    labels |= {"http_route": "/ports", "http_response_status_code": "200"}
    counted = [
        {"record": name, "expr": "time()", "labels": {**labels, probes.PROBE: "/ports"}}
        for name in (events, *probes.COUNTERS)
    ]
    group = {"name": "events", "interval": f"{round(INTERVAL * 1000)}ms", "rules": counted}
    (folder / "events.yaml").write_text(json.dumps({"groups": [group]}))
    config = f"rule_files: [{folder / 'rules.yaml'}, {folder / 'events.yaml'}]"
    with prometheus(folder, config) as running:
        time.sleep(INTERVAL * (EVALUATIONS + 5))
        yield running


def moments(server: Prometheus, series: str) -> list[float]:
    """Times at which a series was recorded."""
    found = server.moments(f"{series}[{round(INTERVAL * EVALUATIONS)}s]", time.time())
    assert len(found) >= EVALUATIONS / 2, series
    return found


def test_a_ticket_reads_the_pages_rates_one_interval_late_at_most(
    server: Prometheus, slos: list[Slo]
) -> None:
    slowest = BURN_WINDOWS[-1]
    late = []
    for slo in slos:
        reader = moments(server, of_slo(total(slowest.long), slo))
        read = moments(server, of_slo(total(slowest.short), slo))
        late += [at - max(t for t in read if t <= at) for at in reader if at >= min(read)]
    print(f"interval {INTERVAL:.3f} s, late by at most {max(late):.3f} s over {len(late)} reads")
    assert max(late) <= INTERVAL * (1 + SLACK)
    assert error_ratio(slowest.short) == "slo:sli_error:ratio_rate6h"
