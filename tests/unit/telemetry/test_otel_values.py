import os
import re

import pytest
from telemetry import otel_values

OTLP = "OTEL_EXPORTER_OTLP"
RIGHT = {
    "OTEL_BSP_SCHEDULE_DELAY": ("1", "5000"),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("1", "2048"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("1000",),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("0", "128", "unset"),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("", "100"),
    f"{OTLP}_TIMEOUT": ("0.5", "10"),
    f"{OTLP}_TRACES_COMPRESSION": ("gzip", "none"),
    f"{OTLP}_HEADERS": ("a=b", "authorization=Basic%20eDp5, x-scope=1", "a="),
    f"{OTLP}_CERTIFICATE": (__file__,),
    f"{OTLP}_INSECURE": ("true", "False"),
    "OTEL_SDK_DISABLED": ("true", "false"),
    "OTEL_RESOURCE_ATTRIBUTES": ("a.b=c,d=e%2Cf", "a=b=c"),
    "OTEL_TRACES_SAMPLER_ARG": ("0", "0.1", "1"),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("always_on",),
    f"{OTLP}_METRICS_TEMPORALITY_PREFERENCE": ("DELTA",),
    f"{OTLP}_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": ("explicit_bucket_histogram",),
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": ("live,ready.*",),
}
WRONG = {
    "OTEL_BSP_SCHEDULE_DELAY": ("0", "-1", "1.5", "soon", "1e3", "99999999999"),
    "OTEL_BSP_MAX_QUEUE_SIZE": ("0", "x"),
    "OTEL_METRIC_EXPORT_INTERVAL": ("0", "inf"),
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": ("-1", "some"),
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": ("-1",),
    f"{OTLP}_TIMEOUT": ("0", "nan", "ten"),
    f"{OTLP}_TRACES_COMPRESSION": ("zip",),
    f"{OTLP}_HEADERS": ("a", "=b", "a b=c"),
    f"{OTLP}_CERTIFICATE": ("/nowhere.pem",),
    f"{OTLP}_INSECURE": ("yes",),
    "OTEL_SDK_DISABLED": ("1",),
    "OTEL_RESOURCE_ATTRIBUTES": ("a", "a=b,c"),
    "OTEL_TRACES_SAMPLER_ARG": ("2", "-0.1", "nan", "half"),
    "OTEL_METRICS_EXEMPLAR_FILTER": ("sometimes",),
    f"{OTLP}_METRICS_TEMPORALITY_PREFERENCE": ("delta2",),
    f"{OTLP}_METRICS_DEFAULT_HISTOGRAM_AGGREGATION": ("buckets",),
    "OTEL_PYTHON_DJANGO_EXCLUDED_URLS": ("live[",),
}


def cases(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(variable, value) for variable, values in table.items() for value in values]


@pytest.mark.parametrize(("variable", "value"), cases(RIGHT))
def test_valid_otel_values_pass(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setattr(os, "environ", {variable: value, "OTEL_UNHEARD_OF": "?"})
    otel_values.check()


@pytest.mark.parametrize(("variable", "value"), cases(WRONG))
def test_an_invalid_otel_value_is_named_with_the_expected_values(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setattr(os, "environ", {variable: value})
    with pytest.raises(ValueError, match=rf"^{variable}.*: must be "):
        otel_values.check()


def test_headers_are_not_repeated_for_they_may_be_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {f"{OTLP}_HEADERS": "authorization hunter2"})
    with pytest.raises(ValueError, match=f"^{re.escape(OTLP)}_HEADERS: must be ") as caught:
        otel_values.check()
    assert "hunter2" not in str(caught.value)


def test_both_tables_hold_every_kind() -> None:
    def kinds(table: dict[str, tuple[str, ...]]) -> set[str]:
        names = [variable.removeprefix("OTEL_") for variable in table]
        return {
            pattern
            for pattern, _, _ in otel_values._KINDS
            if any(re.fullmatch(pattern, name) for name in names)
        }

    every = {pattern for pattern, _, _ in otel_values._KINDS}
    assert every - kinds(RIGHT) <= {r"INSTRUMENTATION_HTTP_CAPTURE_\w+"}
    assert set(RIGHT) == set(WRONG)
