import pytest
from telemetry import initial, metrics, names

from tests.support.exposed import exposed

OUTCOMES = {"outcome": ("done", "failed")}


def metric(
    name: str, *labels: str, kind: names.Kind = "counter", **values: tuple[str, ...]
) -> names.Metric:
    return names.Metric(name, kind, "{order}", "Orders.", labels, values=values)


def test_every_route_and_unmatched_requests_have_series_from_the_start() -> None:
    assert initial.of_requests([("PUT", "/a"), ("GET", "/a")]) == [
        ("GET", "/a"),
        ("GET", "_overload"),
        ("PUT", "/a"),
        ("PUT", "_overload"),
        ("_OTHER", "_unmatched"),
    ]


def test_a_metric_whose_labels_have_declared_values_has_all_its_series() -> None:
    both = metric("a_total", "x", "y", x=("1", "2"), y=("3",))
    assert list(initial.of_metric(both)) == [("1", "3"), ("2", "3")]
    assert list(initial.of_metric(metric("b_total"))) == [()]


def test_a_metric_with_a_label_of_any_value_or_too_many_has_none() -> None:
    assert list(initial.of_metric(metric("a_total", "x", "y", x=("1", "2")))) == []
    many = tuple(map(str, range(initial.MOST)))
    assert len(list(initial.of_metric(metric("b_total", "x", x=many)))) == initial.MOST
    assert list(initial.of_metric(metric("c_total", "x", x=(*many, "more")))) == []


def test_values_of_a_label_that_a_metric_does_not_have_are_refused() -> None:
    with pytest.raises(ValueError, match="a_total has values of y: no label of it"):
        metric("a_total", "x", y=("1",))


def test_a_services_metrics_count_from_the_start_whenever_they_are_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(metrics, "_begun", False)
    early = metric("early_orders_total", "outcome", kind="counter", **OUTCOMES)
    metrics.register(names.Declaration(metrics=(early,)))
    assert exposed("early_orders_total") == {}
    metrics.begin()
    late = metric("late_orders_seconds", "outcome", kind="histogram", **OUTCOMES)
    gauge = metric("orders_now", "outcome", kind="gauge", **OUTCOMES)
    metrics.register(names.Declaration(metrics=(late, gauge)))
    for name in ("early_orders_total", "late_orders_seconds_count"):
        assert exposed(name) == {f'{name}{{outcome="{each}"}}': 0.0 for each in ("done", "failed")}
    assert exposed("orders_now") == {}
