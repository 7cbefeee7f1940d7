"""SLOs on probes from outside that the compiler accepts, and the environments that have them."""

from pathlib import Path

import pytest
from slo.adoption import load_adoption
from slo.alerts import missing_alert
from slo.declaration import load_service
from slo.gate import judge
from slo.probes import environment_file, runs
from slo.prometheus import connected
from slo.rules import Clock
from slo.source import InvalidDeclarationError
from slo.verify import verify

from tests.service import ROOT
from tests.support.answers import answering, vector
from tests.support.probes import DECLARATION, declared


def test_the_declaration_of_ports_compiles(tmp_path: Path) -> None:
    (slo,) = load_service(declared(tmp_path))
    assert (slo.total.series, slo.part.series) == ("cloudprober_total", "cloudprober_success")


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
        ('probe: ["/ports", ', 'probe: ["/port", ', "'/port' is no value of probe: write "),
        ('probe: ["/ports", ', 'probe: ["/live", ', "'/live' is no value of probe: write "),
        ("- probe: [", "- route: [", "'route' is no label of cloudprober"),
        ("good:", "bad:", "bad.metricSource.spec.metric: good probes are cloudprober_success of"),
        ("metric: cloudprober_total", "metric: cloudprober_success", "total.metricSource.spec.me"),
        ("metric: cloudprober_success", "metric: cloudprober_total", "good.metricSource.spec.me"),
        ("metric: cloudprober_success", "metric: cloudprober_sucess", "write 'cloudprober_success"),
        ("_success\n", "_success\n              le: 0.1\n", "le: is no bucket bound of"),
        ("- probe: [", '- dst: "a"\n                  probe: [', "must pick the probes that total"),
    ],
)
def test_an_unknown_probe_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in DECLARATION
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(declared(tmp_path, DECLARATION.replace(old, new, 1)))
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("name: ports\n", "values.yaml has no prober.probes: add the routes to ask for"),
        ("prober: {probes: {}}\n", "values.yaml has no prober.probes: add the routes to ask for"),
        ("prober: {probes: {/prots: /ports}}\n", "'/prots' is no route: write '/ports'"),
    ],
)
def test_a_service_without_declared_probes_is_refused(
    tmp_path: Path, values: str, problem: str
) -> None:
    file = declared(tmp_path)
    file.with_name("values.yaml").write_text(values)
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    assert problem in str(caught.value)


def test_environments_that_users_see_have_a_prober() -> None:
    assert [each for each in ("dev", "staging", "prod") if runs(ROOT, "ports", each)] == [
        "staging", "prod",
    ]  # fmt: skip


def switched(folder: Path, environment: str, *, on: bool) -> Path:
    """Write the file of an environment; return the repository."""
    file = environment_file(folder, "ports", environment)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"replicas: 1\nprober: {{enabled: {str(on).lower()}}}\n")
    return folder


@pytest.mark.parametrize(
    ("on", "body", "refused", "reason"),
    [
        (False, vector(), False, "not measured: platform/argocd/environments/dev/ports.yaml "),
        (True, vector(), True, "no data now: the SLI is not being recorded"),
        # Somebody probes without the value: the budget counts.
        (False, vector("-0.5"), True, "-50.00% of the error budget left"),
        (True, vector("0.5"), False, "50.00% of the error budget left"),
    ],
)
def test_the_gate_asks_for_probes_where_the_environment_has_a_prober(
    tmp_path: Path, on: bool, body: str, refused: bool, reason: str
) -> None:
    slos = load_service(declared(tmp_path))
    root = switched(tmp_path, "dev", on=on)
    with answering(body) as url:
        (verdict,) = judge(url, "dev", slos, root)
    assert (verdict.refused, verdict.reason[: len(reason)]) == (refused, reason)


def test_verify_passes_over_probes_that_nobody_sends(tmp_path: Path) -> None:
    slos = load_service(declared(tmp_path))
    root = switched(tmp_path, "dev", on=False)
    with answering(vector(), series=[]) as url, connected(url) as server:
        (finding,) = verify(server, slos, "dev", 0, root)
        assert not finding.wrong
        assert finding.text.startswith("not measured: ")
        findings = list(verify(server, slos, "dev", 0, switched(tmp_path, "dev", on=True)))
    assert "total[0] has never picked a series" in {each.text for each in findings if each.wrong}
