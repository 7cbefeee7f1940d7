"""Configurations with every duration in them compressed by one factor, and nothing else changed.

For the rules and routes that people write; `slo generate --scale` does the same to generated rules.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from slo.windows import prometheus_duration

# Fields of Prometheus' rules and of Alertmanager's routes that hold a duration.
_DURATIONS: Final = frozenset(
    ("for", "keep_firing_for", "interval", "group_wait", "group_interval", "repeat_interval")
)
# Defaults of Alertmanager: its documentation, "<route>".
_ROUTE: Final = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d)")
_RANGE: Final = re.compile(r"(?<=\[)\d+(?:ms|s|m|h|d)(?=\])")
_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def duration(text: str, scale: float) -> str:
    """Compress one duration, such as `5m`; a scale of 1 gives it back as it is.

    Raises:
        ValueError: It is none of one number and one unit.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no duration of one number and one unit, such as 5m")
    nominal = int(found[1]) * _UNITS[found[2]]
    return text if scale == 1 or not nominal else prometheus_duration(nominal * scale)


def query(expr: str, scale: float) -> str:
    """Compress the ranges of a PromQL query."""
    return _RANGE.sub(lambda found: duration(found[0], scale), expr)


def configuration(content: Any, scale: float) -> Any:
    """Compress a configuration: what its fields say, and the ranges of its rules' queries."""
    if isinstance(content, list):
        return [configuration(item, scale) for item in content]
    if not isinstance(content, dict):
        return content
    return {key: _field(key, value, scale) for key, value in content.items()}


def alertmanager(config: Mapping[str, Any], scale: float) -> Any:
    """Compress Alertmanager's configuration, the durations that it leaves to their defaults too."""
    if scale == 1:
        return config
    return configuration({**config, "route": {**_ROUTE, **config["route"]}}, scale)


def _field(key: str, value: Any, scale: float) -> Any:
    if key in _DURATIONS and isinstance(value, str):
        return duration(value, scale)
    if key == "expr":
        return query(value, scale)
    return configuration(value, scale)
