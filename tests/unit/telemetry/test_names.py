import re
import runpy
from pathlib import Path

import pytest
from telemetry import declarations, metrics, names

ROOT = Path(__file__).parents[3]
SERVICES = sorted(declarations.of_repository(ROOT))


def test_each_metric_is_named_as_its_kind_and_unit_ask() -> None:
    for metric in names.METRICS.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert ("_seconds" in metric.name) == (metric.unit == "s"), metric.name
        assert metric.meaning.endswith(".")


def test_every_constant_that_names_a_metric_event_or_attribute_is_explained() -> None:
    explained = {
        *names.METRICS,
        *names.LOG_EVENTS,
        *names.LOG_FIELDS,
        *names.SPAN_ATTRIBUTES,
        *(label for metric in names.METRICS.values() for label in metric.labels),
    }
    elsewhere = {
        *(names.SERVICE_NAME, names.ENVIRONMENT, names.OTLP_HTTP_DURATION, names.METHOD_OTHER),
        *(names.ROUTE_UNMATCHED, names.ROUTE_OVERLOAD),
    }
    constants = {
        value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)
    }
    assert constants - explained == elsewhere


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_explains_all_that_its_module_names(service: str) -> None:
    declared = declarations.of_service(ROOT / "services" / service)
    (file,) = (ROOT / "services" / service).glob("*/names.py")
    constants = {
        value
        for name, value in runpy.run_path(str(file)).items()
        if name.isupper() and isinstance(value, str)
    }
    labels = {label for metric in declared.metrics for label in metric.labels}
    labels |= {
        value for metric in declared.metrics for each in metric.values.values() for value in each
    }
    explained = {metric.name for metric in declared.metrics} | {*declared.events, *declared.spans}
    assert constants <= explained | labels
    assert not explained & {*names.METRICS, *names.LOG_EVENTS}


def test_a_metric_asked_for_as_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"http_server_threads is declared a gauge, not a counter"):
        metrics.counter(names.HTTP_SERVER_THREADS)


def test_a_metric_that_nobody_declared_is_refused_with_what_to_do() -> None:
    with pytest.raises(ValueError, match=r"orders_lost_total is not declared: add a Metric to"):
        metrics.counter("orders_lost_total")


def test_a_service_has_metrics_of_its_own() -> None:
    placed = names.Metric("orders_placed_total", "counter", "{order}", "Orders placed.")
    metrics.register(names.Declaration(metrics=(placed,)))
    metrics.register(names.Declaration(metrics=(placed,)))  # a reload
    metrics.counter("orders_placed_total").inc()
    other = names.Metric("orders_placed_total", "gauge", "{order}", "Orders placed.")
    with pytest.raises(ValueError, match="orders_placed_total is declared twice"):
        metrics.register(names.Declaration(metrics=(other,)))


def test_a_second_module_of_names_or_one_without_a_declaration_is_refused(tmp_path: Path) -> None:
    assert declarations.of_service(tmp_path) == names.Declaration()
    first, second = tmp_path / "a" / "names.py", tmp_path / "b" / "names.py"
    for file in (first, second):
        file.parent.mkdir()
        file.write_text("DECLARED = 1\n")
    with pytest.raises(ValueError, match="keep one module"):
        declarations.of_service(tmp_path)
    second.unlink()
    with pytest.raises(TypeError, match=r"set DECLARED to a telemetry\.names\.Declaration"):
        declarations.of_service(tmp_path)
