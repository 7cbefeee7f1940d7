"""`make size` computes what a real Prometheus with so many series uses, within 20 %."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sizing import figures
from sizing.demand import prometheus_memory

from tests import service
from tests.size import loaded

TOLERANCE = 0.2


@pytest.fixture(scope="module")
def exposition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The text of `/metrics` of the service."""
    with service.running(tmp_path_factory.mktemp("service")) as running:
        yield running.client.get("/metrics").text


@pytest.mark.parametrize("series", [20_000, 60_000])
def test_memory_and_disk_are_within_a_fifth_of_the_computed(
    exposition: str, series: int, tmp_path: Path
) -> None:
    used = loaded.measure(tmp_path, exposition, series)
    computed = {
        "series": (series, used.series),
        "memory": (prometheus_memory(used.series), used.resident),
        "index of a block": (used.series * figures.INDEX_DISK.value, used.index),
        "write-ahead log": (used.samples * figures.SAMPLE_WAL.value, used.wal),
    }
    assert wrong(computed) == {}


def test_a_block_of_two_hours_is_within_a_fifth_of_the_computed(
    exposition: str, tmp_path: Path
) -> None:
    """At the interval of the platform, by the code that writes Prometheus' own blocks."""
    samples, chunks = loaded.block(tmp_path, exposition, pods=2, scrapes=480)
    told = samples * figures.SAMPLE_DISK.value
    assert wrong({"samples in a block": (told, chunks)}) == {}


def wrong(computed: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Print what was computed and measured, and return the ratios that are too far from 1."""
    print(f"\n{'':<20}{'computed':>16}{'measured':>16}{'ratio':>8}")
    for name, (told, found) in computed.items():
        print(f"{name:<20}{told:>16,.0f}{found:>16,.0f}{told / found:>8.2f}")
    return {
        name: told / found
        for name, (told, found) in computed.items()
        if abs(told / found - 1) > TOLERANCE
    }
