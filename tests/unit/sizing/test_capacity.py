from datetime import timedelta

import pytest
from sizing.capacity import UNBOUNDED, scaled, single, size, span


def test_the_room_of_each_component_is_in_the_umbrella_charts() -> None:
    rooms = single()
    assert set(rooms) == {"prometheus", "jaeger", "loki", "gateway", "agent"}
    assert rooms["prometheus"].retention == timedelta(days=35)
    assert rooms["prometheus"].disk == 17 * 2**30
    assert rooms["jaeger"].retention == timedelta(hours=72)
    assert rooms["loki"].retention == timedelta(days=7)
    assert all(room.memory for room in rooms.values())


def test_scaled_has_replicas_and_two_buckets() -> None:
    rooms = scaled()
    assert {name: room.replicas for name, room in rooms.items() if room.replicas > 1} == {
        "prometheus": 2,
        "jaeger": 2,
        "loki": 3,
        "gateway": 3,
    }
    assert {name for name, room in rooms.items() if room.disk == UNBOUNDED} == {
        "metrics",
        "jaeger",
        "logs",
    }
    assert rooms["metrics"].retention == timedelta(days=200)
    assert rooms["logs"].retention == single()["loki"].retention
    assert rooms["jaeger"].retention == single()["jaeger"].retention


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("5", 5), ("2Gi", 2**31), ("64Mi", 2**26), ("3M", 3_000_000), ("17GB", 17 * 2**30)],
)
def test_a_quantity_is_read_as_its_program_reads_it(text: str, bytes_: int) -> None:
    assert size(text) == bytes_


@pytest.mark.parametrize("text", ["", "Gi", "2gi", "1.5Gi", "2 Gi", "2kB"])
def test_a_text_that_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number of bytes"):
        size(text)


def test_a_duration_has_hours_or_days() -> None:
    assert span("72h") == timedelta(hours=72)
    with pytest.raises(ValueError, match="35: must be a number of hours or days"):
        span("35")
