"""The release gate against a real Prometheus."""

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from slo import series
from slo.cli import main
from slo.windows import BASE_WINDOW

from tests.documentation import documented
from tests.platform.slo.real import ROOT, Prometheus, prometheus, run, tool

# Records by environment: budget left and events per second of each SLO, None for nothing.
RECORDED = (series.REMAINING, series.total(BASE_WINDOW))
State = tuple[float | None, float | None]
STATES: dict[str, tuple[State, State]] = {
    "healthy": ((0.4, 5), (1, 5)),
    "spent": ((-0.1, 5), (1, 5)),
    "just-spent": ((0, 5), (1, 5)),
    "blind": ((0.4, 5), (1, None)),
    "unborn": ((None, 0), (1, 5)),
    "down": ((0.4, 5), (1, 5)),
    "not-numbers": ((math.nan, 5), (math.inf, 5)),
    "in-two-clusters": ((0.4, 5), (1, 5)),
    "in-one-of-two": ((0.4, 5), (1, 5)),
}


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus whose SLO series are as STATES says, for some minutes around now."""
    folder = tmp_path_factory.mktemp("gate")
    now = int(time.time())
    moments = range(now - 120, now + 1800, 60)
    lines = []
    for environment, states in STATES.items():
        for slo, state in zip(("availability", "latency"), states, strict=True):
            labels = f'service_name="ports",deployment_environment_name="{environment}",slo="{slo}"'
            for name, value in zip(RECORDED, state, strict=True):
                if value is not None:
                    lines += [f"{name}{{{labels}}} {value} {moment}" for moment in moments]
        own = f'service_name="ports",deployment_environment_name="{environment}"'
        # Of the second cluster, nothing is known of the last hours.
        until = {"in-two-clusters": moments, "in-one-of-two": range(now - 15_000, now - 12_000, 60)}
        if environment in until:
            lines += [f'up{{{own},cluster="west"}} 1 {moment}' for moment in until[environment]]
            own += ',cluster="east"'
        if environment != "down":
            lines += [f"up{{{own}}} 1 {moment}" for moment in moments]
    (folder / "text").write_text("\n".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "openmetrics")
    run(tool("promtool"), *create, str(folder / "text"), str(folder / "data"))
    with prometheus(folder) as server:
        yield server


def without_prober(environment: str) -> str:
    """The line about an environment that no file switches a prober on for."""
    file = f"platform/argocd/environments/{environment}/ports.yaml"
    return f"yes {environment} ports reachability: not measured: {file} switches no prober on"


NO_DATA = "no data now: the SLI is not being recorded"
SILENT = "no data now: no target answers its scrape"


@pytest.mark.parametrize(
    ("environment", "code", "availability", "latency"),
    [
        (
            "healthy",
            0,
            "yes healthy ports availability: 40.00% of the error budget left",
            "yes healthy ports latency: 100.00% of the error budget left",
        ),
        (
            "spent",
            1,
            "no  spent ports availability: -10.00% of the error budget left",
            "yes spent ports latency: 100.00% of the error budget left",
        ),
        (
            "just-spent",
            1,
            "no  just-spent ports availability: 0.00% of the error budget left",
            "yes just-spent ports latency: 100.00% of the error budget left",
        ),
        (
            "blind",
            1,
            "yes blind ports availability: 40.00% of the error budget left",
            f"no  blind ports latency: {NO_DATA}",
        ),
        (
            "unborn",
            1,
            "no  unborn ports availability: no data: no event in the whole period",
            "yes unborn ports latency: 100.00% of the error budget left",
        ),
        (
            "down",
            1,
            f"no  down ports availability: {SILENT}",
            f"no  down ports latency: {SILENT}",
        ),
        (
            "in-two-clusters",
            0,
            "yes in-two-clusters ports availability: 40.00% of the error budget left",
            "yes in-two-clusters ports latency: 100.00% of the error budget left",
        ),
        (
            "in-one-of-two",
            1,
            f"no  in-one-of-two ports availability: {SILENT} in cluster west",
            f"no  in-one-of-two ports latency: {SILENT} in cluster west",
        ),
        (
            "unheard-of",
            1,
            f"no  unheard-of ports availability: {NO_DATA}",
            f"no  unheard-of ports latency: {NO_DATA}",
        ),
    ],
)
def test_the_gate_opens_only_where_every_slo_has_data_and_budget(
    recorded: Prometheus,
    capsys: pytest.CaptureFixture[str],
    environment: str,
    code: int,
    availability: str,
    latency: str,
) -> None:
    arguments = ("--prometheus", recorded.url, "--environment", environment, "--service", "ports")
    assert main(["--root", str(ROOT), "gate", *arguments]) == code
    told = capsys.readouterr().out.splitlines()
    assert told == [availability, latency, without_prober(environment)]


def test_the_command_that_the_documentation_gives_says_yes(recorded: Prometheus) -> None:
    program, *arguments = documented("docs/slo.md", "slo gate").split()
    given = {"URL": recorded.url, "prod": "healthy"}  # what the reader puts there
    command = (str(Path(sys.executable).with_name(program)), *(given.get(a, a) for a in arguments))
    assert run(*command, cwd=ROOT).splitlines() == [
        "yes healthy ports availability: 40.00% of the error budget left",
        "yes healthy ports latency: 100.00% of the error budget left",
        without_prober("healthy"),
    ]


def test_the_gate_stays_shut_where_the_budget_is_no_number(
    recorded: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--prometheus", recorded.url, "--environment", "not-numbers")
    assert main(["--root", str(ROOT), "gate", *arguments]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" is no number")[0] for line in told] == [
        "no  not-numbers ports availability: nan",
        "no  not-numbers ports latency: inf",
        without_prober("not-numbers"),
    ]


def test_an_override_opens_a_shut_gate(
    recorded: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--prometheus", recorded.url, "--environment", "spent", "--override", "urgent fix")
    assert main(["--root", str(ROOT), "gate", *arguments]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "overridden: urgent fix"


def test_an_error_of_prometheus_shuts_the_gate(
    recorded: Prometheus, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"{recorded.url}/elsewhere"
    arguments = ("--prometheus", url, "--environment", "healthy")
    assert main(["--root", str(ROOT), "gate", *arguments]) == 1
    assert capsys.readouterr().out.startswith("no  healthy: cannot ask")
