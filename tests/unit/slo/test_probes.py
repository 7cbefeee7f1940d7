"""SLOs on probes from outside that the compiler accepts; a page has the right one."""

from pathlib import Path

import pytest
from slo.adoption import load_adoption
from slo.alerts import missing_alert
from slo.calendar import Calendar
from slo.declaration import load_service
from slo.rules import Clock
from slo.source import InvalidDeclarationError

from tests.service import ROOT
from tests.support.probes import DECLARATION, declared


def test_the_declaration_on_the_page_compiles(tmp_path: Path) -> None:
    (slo,) = load_service(declared(tmp_path))
    assert (slo.total.series, slo.part.series) == ("cloudprober_total", "cloudprober_success")
    assert slo.calendar is Calendar.MONTH


def test_a_service_that_is_down_is_not_missing_while_the_prober_reports(tmp_path: Path) -> None:
    (slo,) = load_service(declared(tmp_path))
    alert = missing_alert(slo, Clock(), load_adoption(ROOT))
    _, data = alert.expr.split("unless")
    assert "up{" not in data
    assert "slo:events_total:rate5m{" in data
    assert "No prober reports" in alert.annotations["description"]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("probe: /ports}", "probe: /port}", "'/port' is no value of probe: write "),
        ("probe: /ports}", "route: /ports}", "'route' is no label of cloudprober"),
        ("good:", "bad:", "bad.metricSource.spec.metric: good probes are cloudprober_success of"),
        ("metric: cloudprober_total", "metric: cloudprober_success", "total.metricSource.spec.me"),
        ("metric: cloudprober_success", "metric: cloudprober_total", "good.metricSource.spec.me"),
        ("metric: cloudprober_success", "metric: cloudprober_sucess", "write 'cloudprober_success"),
        ("_success\n", "_success\n              le: 0.1\n", "le: is no bucket bound of"),
        ("[{probe: /ports}]", '[{probe: /ports, dst: "a"}]', "must pick the probes that total"),
    ],
)
def test_what_is_no_probe_of_the_service_is_refused(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    assert old in DECLARATION
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(declared(tmp_path, DECLARATION.replace(old, new, 1)))
    assert problem in str(caught.value)
