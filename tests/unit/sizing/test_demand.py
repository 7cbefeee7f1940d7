from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sizing import advice, figures
from sizing.capacity import Room, scaled, single
from sizing.demand import Load, needs, prometheus_disk, prometheus_memory, scrape_seconds

LOAD = Load(services=2, replicas=3, series=1000, requests=1, spans=3, log_bytes=400)


def test_series_are_those_of_all_pods_of_the_rules_and_of_the_platform() -> None:
    added = 2 * figures.RULES_SERIES.value + figures.PLATFORM_SERIES.value
    assert LOAD.total_series == 6000 + added
    assert replace(LOAD, other=500).total_series == LOAD.total_series + 500
    assert LOAD.samples_per_second == LOAD.total_series / 15
    assert scrape_seconds() == 15


def test_rates_follow_from_the_requests_of_all_services() -> None:
    assert LOAD.requests_per_second == 2
    assert LOAD.spans_per_second == 6
    assert LOAD.log_bytes_per_second == 800


def test_twice_the_series_need_twice_the_memory_beyond_that_of_an_empty_server() -> None:
    one, two = (prometheus_memory(series) for series in (10_000, 20_000))
    empty = figures.PROMETHEUS_MEMORY.value
    assert two - empty == pytest.approx(2 * (one - empty))


def test_the_disk_of_prometheus_grows_with_the_retention_and_has_the_log_at_once() -> None:
    none = prometheus_disk(1000, 100, timedelta(0))
    assert none == pytest.approx(
        100 * 3 * 3600 * figures.SAMPLE_WAL.value + 10 * 1000 * figures.INDEX_DISK.value
    )
    day = prometheus_disk(1000, 100, timedelta(days=1)) - none
    assert day == pytest.approx(100 * 86_400 * figures.SAMPLE_DISK.value)


@pytest.mark.parametrize(
    ("change", "grows"),
    [
        ({"series": 2000}, {"prometheus"}),
        ({"spans": 6}, {"jaeger"}),
        ({"log_bytes": 800}, {"loki"}),
        ({"requests": 20}, {"jaeger", "loki"}),
    ],
)
def test_each_number_changes_the_needs_that_depend_on_it(
    change: dict[str, Any], grows: set[str]
) -> None:
    before, after = needs(LOAD, single()), needs(replace(LOAD, **change), single())
    assert {name for name in before if after[name] != before[name]} == grows
    for name in grows:
        assert after[name].memory >= before[name].memory
        assert after[name].disk >= before[name].disk


def test_a_small_load_fits_one_replica_of_each_component() -> None:
    compared = advice.lines(needs(LOAD, single()), single())
    assert [line.component for line in compared if line.lacks] == []
    assert advice.profile(compared) == "single"


@pytest.mark.parametrize(
    ("change", "component", "lacks"),
    [
        ({"services": 500}, "prometheus", ("memory", "disk")),
        ({"requests": 5000}, "jaeger", "disk"),
        ({"requests": 5000}, "loki", "disk"),
    ],
)
def test_a_load_that_does_not_fit_names_what_lacks(
    change: dict[str, Any], component: str, lacks: str | tuple[str, ...]
) -> None:
    compared = advice.lines(needs(replace(LOAD, **change), single()), single())
    (line,) = [line for line in compared if line.component == component]
    assert set([lacks] if isinstance(lacks, str) else lacks) <= set(line.lacks)
    assert advice.profile(compared) == "scaled"


def test_a_rate_above_the_measured_one_is_told() -> None:
    most = figures.MEASURED_SPANS.value
    for spans_per_second, unmeasured in (
        (most, set()),
        (most + 1, {"jaeger", "loki", "gateway"}),
        (3 * most + 1, {"jaeger", "loki", "gateway", "agent"}),
    ):
        load = replace(LOAD, services=1, spans=1, requests=spans_per_second, log_bytes=0)
        compared = advice.lines(needs(load, single()), single())
        found = {line.component for line in compared if "measurement" in line.lacks}
        assert found == unmeasured


def test_memory_needs_headroom_and_disk_does_not() -> None:
    need = needs(LOAD, single())["prometheus"]
    enough = Room(round(need.memory * advice.HEADROOM) + 1, round(need.disk) + 1, timedelta(0))
    assert advice.Line("a", need, enough).lacks == ()
    assert advice.Line("a", need, replace(enough, memory=round(need.memory))).lacks == ("memory",)
    assert advice.Line("a", need, replace(enough, disk=round(need.disk) - 1)).lacks == ("disk",)


def test_objects_have_the_blocks_of_each_prometheus_and_each_chunk_once() -> None:
    found, rooms = needs(LOAD, scaled()), scaled()
    days = rooms["metrics"].retention / timedelta(seconds=1)
    assert found["metrics"].disk == pytest.approx(
        2 * LOAD.samples_per_second * days * figures.SAMPLE_DISK.value
    )
    assert found["logs"].disk == needs(LOAD, single())["loki"].disk


def test_three_gateways_share_the_spans() -> None:
    load = replace(LOAD, services=1, spans=1, requests=3 * figures.MEASURED_SPANS.value)
    assert not needs(load, single())["gateway"].is_measured
    assert needs(load, scaled())["gateway"].is_measured
    assert not needs(LOAD, scaled())["jaeger"].is_measured, "no OpenSearch was there"
