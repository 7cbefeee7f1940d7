"""Valid values of the variables OTEL_*, according to the specification and the SDK.

With an invalid value, OpenTelemetry raises while a worker starts, or continues without the value.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
import re
from collections.abc import Callable
from typing import Final

Check = Callable[[str], bool]

_MOST: Final = 2**31 - 1  # what a 32-bit number of milliseconds or of spans holds
_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def _number(least: float, most: float = _MOST, *, whole: bool = False) -> Check:
    def check(value: str) -> bool:
        try:
            number = int(value) if whole else float(value)
        except ValueError:
            return False
        return least <= number <= most  # NaN is neither

    return check


def _one_of(*values: str) -> Check:
    return lambda value: value.lower() in values


def _pairs(value: str) -> bool:
    return all(re.fullmatch(rf"\s*{_NAME}\s*=[^,]*", pair) for pair in value.split(",") if pair)


def _pattern(value: str) -> bool:
    try:
        re.compile(value)
    except re.error:
        return False
    return True


def _or_unset(check: Check) -> Check:
    return lambda value: value == "unset" or check(value)


_OTLP: Final = r"EXPORTER_OTLP(_TRACES|_METRICS)?_"
# Names without OTEL_, what checks their value, and how it is said.
_KINDS: Final = (
    (r"BSP_MAX_\w+", _number(1, whole=True), "a whole number, at least 1"),
    (
        r"BSP_\w+|METRIC_EXPORT_\w+",
        _number(1, whole=True),
        "a whole number of milliseconds, at least 1",
    ),
    (r"\w+_(COUNT|LENGTH)_LIMIT", _or_unset(_number(0, whole=True)), "a whole number, at least 0"),
    (rf"{_OTLP}TIMEOUT", _number(0.001), "a number of seconds, at least 0.001"),
    (rf"{_OTLP}COMPRESSION", _one_of("gzip", "deflate", "none"), "gzip, deflate or none"),
    (rf"{_OTLP}HEADERS", _pairs, "NAME=VALUE, separated by commas"),
    (rf"{_OTLP}(CERTIFICATE|CLIENT_\w+)", os.path.isfile, "an existing file"),
    (rf"{_OTLP}INSECURE|SDK_DISABLED", _one_of("true", "false"), "true or false"),
    (r"RESOURCE_ATTRIBUTES", _pairs, "NAME=VALUE, separated by commas"),
    (r"TRACES_SAMPLER_ARG", _number(0, 1), "a number between 0 and 1"),
    (
        r"METRICS_EXEMPLAR_FILTER",
        _one_of("trace_based", "always_on", "always_off"),
        "trace_based, always_on or always_off",
    ),
    (
        rf"{_OTLP}TEMPORALITY_PREFERENCE",
        _one_of("cumulative", "delta", "lowmemory"),
        "cumulative, delta or lowmemory",
    ),
    (
        rf"{_OTLP}DEFAULT_HISTOGRAM_AGGREGATION",
        _one_of("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
        "explicit_bucket_histogram or base2_exponential_bucket_histogram",
    ),
    (r"PYTHON_(\w+_)?EXCLUDED_URLS", _pattern, "regular expressions, separated by commas"),
    (r"INSTRUMENTATION_HTTP_CAPTURE_\w+", _pattern, "regular expressions, separated by commas"),
)


def check() -> None:
    """Check the value of each variable OTEL_* whose kind is known.

    Raises:
        ValueError: One is wrong; names it. The message does not repeat headers, which can be
            secret.
    """
    for variable, given in os.environ.items():
        value = given.strip()  # to the specification, an empty variable is one that is not set
        name = variable.removeprefix("OTEL_")
        if not value or name == variable:
            continue
        for pattern, accepts, expected in _KINDS:
            if re.fullmatch(pattern, name):
                if not accepts(value):
                    shown = "" if name.endswith("HEADERS") else f"={value}"
                    raise ValueError(f"{variable}{shown}: must be {expected}")
                break
