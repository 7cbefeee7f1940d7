import re
from pathlib import Path

import pytest
from telemetry import metrics, names, reference

ROOT = Path(__file__).parents[3]


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
        *(names.SERVICE_NAME, names.ENVIRONMENT, names.OTLP_HTTP_DURATION),
        *(names.OTLP_HTTP_DURATION_EXPONENTIAL, names.METHOD_OTHER),
        *(names.ROUTE_UNMATCHED, names.ROUTE_OVERLOAD),
    }
    constants = {
        value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)
    }
    assert constants - explained == elsewhere


def test_the_committed_reference_is_what_the_names_say() -> None:
    committed = (ROOT / "docs" / "telemetry-reference.md").read_text(encoding="utf-8")
    assert committed == reference.page(), "run: make generate"


def test_a_metric_asked_for_as_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"ports_stored is declared a gauge .*, not a counter"):
        metrics.counter(names.PORTS_STORED)
