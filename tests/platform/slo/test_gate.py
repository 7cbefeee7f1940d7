"""The release gate against a real Prometheus."""

import time
from collections.abc import Iterator

import pytest
from slo import series
from slo.cli import main
from slo.windows import BASE_WINDOW

from tests.platform.slo.real import ROOT, Prometheus, prometheus, run, tool

# Budget left of each SLO by environment; None means that nothing is recorded at present.
LEFT: dict[str, tuple[float | None, float | None]] = {
    "healthy": (0.4, 1.0),
    "spent": (-0.1, 1.0),
    "just-spent": (0.0, 1.0),
    "blind": (0.4, None),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus whose SLO series say what LEFT says, for some minutes around now."""
    folder = tmp_path_factory.mktemp("gate")
    now = int(time.time())
    lines = []
    for environment, both in LEFT.items():
        for slo, left in zip(("availability", "latency"), both, strict=True):
            labels = (
                f'{{service_name="ports",deployment_environment_name="{environment}",slo="{slo}"}}'
            )
            moments = range(now - 120, now + 1800, 60)
            lines += [f"{series.REMAINING}{labels} {1 if left is None else left} {t}" for t in moments]
            if left is not None:
                lines += [f"{series.total(BASE_WINDOW)}{labels} 5 {t}" for t in moments]
    (folder / "text").write_text("\n".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "openmetrics")
    run(tool("promtool"), *create, str(folder / "text"), str(folder / "data"))
    with prometheus(folder) as server:
        yield server


@pytest.mark.parametrize(
    ("environment", "code", "said"),
    [
        (
            "healthy",
            0,
            "yes healthy ports availability: 40.00% of the error budget left\n"
            "yes healthy ports latency: 100.00% of the error budget left\n",
        ),
        (
            "spent",
            1,
            "no  spent ports availability: -10.00% of the error budget left\n"
            "yes spent ports latency: 100.00% of the error budget left\n",
        ),
        (
            "just-spent",
            1,
            "no  just-spent ports availability: 0.00% of the error budget left\n"
            "yes just-spent ports latency: 100.00% of the error budget left\n",
        ),
        (
            "blind",
            1,
            "yes blind ports availability: 40.00% of the error budget left\n"
            "no  blind ports latency: no data now: the SLI is not being recorded\n",
        ),
        (
            "unheard-of",
            1,
            "no  unheard-of ports availability: no data now: the SLI is not being recorded\n"
            "no  unheard-of ports latency: no data now: the SLI is not being recorded\n",
        ),
    ],
)
def test_the_gate_opens_only_where_every_slo_has_data_and_budget(
    recorded: Prometheus,
    capsys: pytest.CaptureFixture[str],
    environment: str,
    code: int,
    said: str,
) -> None:
    arguments = ("--prometheus", recorded.url, "--environment", environment, "--service", "ports")
    assert main(["--root", str(ROOT), "gate", *arguments]) == code
    assert capsys.readouterr().out == said


def test_an_override_opens_a_shut_gate(
    recorded: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--prometheus", recorded.url, "--environment", "spent", "--override", "urgent fix")
    assert main(["--root", str(ROOT), "gate", *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "overridden: urgent fix"


def test_what_prometheus_does_not_understand_shuts_the_gate(
    recorded: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{recorded.url}/elsewhere"
    arguments = ("--prometheus", url, "--environment", "healthy")
    assert main(["--root", str(ROOT), "gate", *arguments]) == 1
    assert capsys.readouterr().out.startswith("no  healthy: cannot ask")
