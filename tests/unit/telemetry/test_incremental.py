from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, Histogram, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeHistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from telemetry.incremental import Writer

FORMATS = ["", "text/plain; version=1.0.0", "application/openmetrics-text; version=1.0.0"]
KINDS = ["counter", "gauge", "histogram", "summary", "unknown"]

_number = st.one_of(st.integers(0, 3), st.floats(min_value=0.5))
_sample = st.tuples(
    st.sampled_from(["", "_bucket", "_total", "_sum", "_created"]),
    st.dictionaries(
        st.sampled_from(["route", "le", "status"]), st.sampled_from('a"\\\né'), max_size=2
    ),
    _number,
    st.sampled_from([None, 0, 1.5]),
    st.sampled_from([None, Exemplar({"trace_id": "1"}, 1.0), Exemplar({"trace_id": "2"}, 1.0, 3)]),
)
Described = tuple[
    str, str, str, list[tuple[str, dict[str, str], float, float | None, Exemplar | None]]
]
_family = st.tuples(
    st.sampled_from(["calls", "berths"]),
    st.sampled_from(["Calls.", "Of\\ships\n."]),
    st.sampled_from(KINDS),
    st.lists(_sample, max_size=40),
)


class Families:
    """A registry that holds whatever families."""

    def __init__(self, *families: Metric) -> None:
        self.families = families

    def collect(self) -> Iterator[Metric]:
        return iter(self.families)


def made(description: Described) -> Metric:
    name, meaning, kind, samples = description
    family = Metric(name, meaning, kind)
    for suffix, labels, value, timestamp, exemplar in samples:
        may_have_one = (kind, suffix) in {("counter", "_total"), ("histogram", "_bucket")}
        exemplar_here = exemplar if may_have_one else None
        family.add_sample(name + suffix, labels, value, timestamp, exemplar_here)
    return family


@pytest.mark.parametrize("accept", FORMATS)
@given(scrapes=st.lists(st.lists(_family, max_size=3), min_size=2, max_size=4))
def test_each_exposition_is_what_the_encoder_writes_of_all_of_it(
    accept: str, scrapes: list[list[Described]]
) -> None:
    encode, _ = choose_encoder(accept)
    writer = Writer(encode)
    for scrape in [one for each in scrapes for one in (each, each)]:
        families = [made(description) for description in scrape]
        assert writer.write(families) == encode(Families(*families))


@pytest.mark.parametrize("accept", FORMATS)
def test_samples_that_an_encoder_moves_to_other_families_stay_together(accept: str) -> None:
    encode, _ = choose_encoder(accept)
    family = GaugeHistogramMetricFamily("depth", "Depths.", labels=["port"])
    for number in range(9):
        family.add_metric([str(number)], [("1", 2.0), ("+Inf", 3.0)], 4.0)
    assert Writer(encode).write([family]) == encode(Families(family))


def counting(
    encode: Callable[[Collector], bytes],
) -> tuple[Callable[[Collector], bytes], list[int]]:
    """Return an encoder that notes how many samples it is given each time."""
    given: list[int] = []

    def noting(registry: Collector) -> bytes:
        given.append(sum(len(family.samples) for family in registry.collect()))
        return encode(registry)

    return noting, given


@pytest.mark.parametrize("accept", FORMATS)
def test_only_what_has_changed_is_written_again(
    monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    monkeypatch.setattr("prometheus_client.metrics._use_created", False)  # as a service has it
    registry = CollectorRegistry()
    histogram = Histogram("wait", "Waits.", ["port"], registry=registry, buckets=[1, 2])
    gauge = Gauge("draught", "Draughts.", registry=registry)
    for number in range(50):
        histogram.labels(str(number))
    encode, given = counting(choose_encoder(accept)[0])
    writer = Writer(encode)
    first = writer.write(registry.collect())
    all_of_it = sum(given)
    given.clear()
    assert writer.write(registry.collect()) == first
    assert sum(given) == 0
    gauge.set(float("nan"))
    histogram.labels("49").observe(1.5)
    last = writer.write(registry.collect())
    assert last == encode(registry)
    assert 0 < sum(given[:-1]) < all_of_it / 5


def test_what_is_gone_is_forgotten() -> None:
    encode, given = counting(choose_encoder("")[0])
    writer = Writer(encode)
    family = made(("calls", "Calls.", "gauge", [("", {}, 1.0, None, None)]))
    for families in ([family], [], [family]):
        assert writer.write(families) == encode(Families(*families))
    assert sum(given) == 4  # each time it was there, by the writer and by the test


@pytest.mark.parametrize("suffix", ["", "_created"])
def test_a_collector_may_go_on_with_its_own_samples(suffix: str) -> None:
    encode, _ = choose_encoder("")
    writer = Writer(encode)
    family = made(("calls", "Calls.", "gauge", [(suffix, {}, 1.0, None, None)]))
    for value in (2.0, 3.0):
        writer.write([family])
        family.add_sample("calls" + suffix, {}, value)
        assert writer.write([family]) == encode(Families(family))
