"""`slo verify` against real Prometheus servers whose series are known."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from slo import probes
from slo.cli import main
from telemetry import names

from tests.platform.slo.real import ROOT, prometheus, run, tool

Series = Mapping[tuple[str, str, str], tuple[float, float]]
# By method, route and status: the count of events, and of those within 0.1 s.
HEALTHY: Series = {
    (method, route, status): (100.0 if status == "200" else 2.0, 90.0 if status == "200" else 0.0)
    for method, route in (
        ("GET", "/ports"),
        ("GET", "/ports/{id}"),
        ("GET", "_overload"),
        ("_OTHER", "_unmatched"),
        ("GET", "/docs"),
    )
    for status in ("200", "500", "503")
}


def recorded(folder: Path, series: Series, *, broken: bool = False) -> None:
    """Make the data of a server: a few minutes around now."""
    now = int(time.time())
    target = f'{names.SERVICE_NAME}="ports",{names.ENVIRONMENT}="prod"'
    lines: list[str] = []
    for (method, route, status), (count, fast) in series.items():
        labels = (
            f'{target},http_request_method="{method}",http_route="{route}"'
            f',http_response_status_code="{status}"'
        )
        for name, value in (
            (f"{names.HTTP_SERVER_DURATION}_count{{{labels}}}", count),
            (f'{names.HTTP_SERVER_DURATION}_bucket{{{labels},le="0.1"}}', fast),
        ):
            if not (broken and "_bucket" in name and route == "/ports"):
                lines += [f"{name} {value} {at}" for at in range(now - 120, now + 600, 60)]
    for route in ("/ports", "/ports/{id}"):
        labels = f'{target},ptype="http",probe="{route}",dst="ports"'
        for name, value in zip(probes.COUNTERS, (50.0, 49.0), strict=True):
            lines += [f"{name}{{{labels}}} {value} {at}" for at in range(now - 120, now + 600, 60)]
    (folder / "text").write_text("\n".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "openmetrics")
    run(tool("promtool"), *create, str(folder / "text"), str(folder / "data"))


def verify(url: str, environment: str = "prod") -> int:
    arguments = ("--prometheus", url, "--environment", environment, "--service", "ports")
    return main(["--root", str(ROOT), "verify", *arguments])


def test_verify_lists_the_events_of_each_selector(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, HEALTHY)
    with prometheus(tmp_path) as server:
        assert verify(server.url) == 0
    told = capsys.readouterr().out
    assert "no  " not in told
    for line in (
        "yes prod ports availability: total[0] picks 9 kinds of events",
        "yes prod ports availability: bad[1] picks 2 kinds of events",
        '      {http_request_method="GET", http_route="/ports", http_response_status_code="503"}',
        "yes prod ports availability: good + bad = total: 300 + 16, 316",
        'yes prod ports availability: no selector mentions http_route "/docs"',
        "yes prod ports latency: good + bad = total: 180 + 20, 200",
        'yes prod ports latency: no selector mentions http_response_status_code "500", "503"',
        "yes prod ports reachability: good + bad = total: 98 + 2, 100",
    ):
        assert f"{line}\n" in told, told


def test_a_route_that_was_never_there_is_wrong_for_its_series_exist_from_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, {key: value for key, value in HEALTHY.items() if key[1] != "_overload"})
    with prometheus(tmp_path) as server:
        assert verify(server.url) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no ")]
    assert wrong == [
        f'no  prod ports availability: {which}[0] has never picked http_route="_overload"'
        for which in ("total", "bad")
    ]


def test_good_and_bad_that_are_not_the_total_are_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, HEALTHY, broken=True)
    with prometheus(tmp_path) as server:
        assert verify(server.url) == 1
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("no ")]
    assert wrong == [
        'no  prod ports latency: good[0] has never picked http_route="/ports"',
        "no  prod ports latency: good + bad is not total: 90 + 10, 200",
    ]


def test_an_environment_without_data_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorded(tmp_path, HEALTHY)
    with prometheus(tmp_path) as server:
        assert verify(server.url, "staging") == 1
    told = capsys.readouterr().out
    assert "no  staging ports availability: total[0] has never picked a series\n" in told
    assert "no  staging ports availability: counts no event now: no target answers" in told
