"""The variables OTEL_* checked and completed, before OpenTelemetry's own code reads them.

With an invalid value, OpenTelemetry logs a message and continues without the signal, or raises at
import. A service reports the value in one line and does not start.
https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import os
from importlib.metadata import entry_points
from typing import Final
from urllib.parse import SplitResult, urlsplit

from telemetry import otel_values

SIGNALS: Final = ("TRACES", "METRICS")
GRPC: Final = "grpc"
HTTP: Final = "http/protobuf"
_PORTS: Final = {4317: GRPC, 4318: HTTP}
_OTLP: Final = "OTEL_EXPORTER_OTLP"
# Names the entry point that makes the session by which an exporter posts.
_SESSION: Final = "OTEL_PYTHON_EXPORTER_OTLP_HTTP{}_CREDENTIAL_PROVIDER"
_SESSIONS: Final = "opentelemetry_otlp_credential_provider"
_OURS: Final = "telemetry"
_LOGS_EXPORTER: Final = "OTEL_LOGS_EXPORTER"
_PROPAGATORS: Final = "OTEL_PROPAGATORS"
_SAMPLER: Final = "OTEL_TRACES_SAMPLER"
# The specification's defaults.
_SPANS_PER_BATCH: Final = 512
_SPANS_IN_QUEUE: Final = 2048
_PARTS: Final = {
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "opentelemetry_resource_detector",
    "OTEL_PYTHON_ID_GENERATOR": "opentelemetry_id_generator",
}
_SAMPLERS: Final = tuple(
    f"{parent}{name}"
    for parent in ("", "parentbased_")
    for name in ("always_on", "always_off", "traceidratio")
)


def _value(name: str) -> str:
    # To the specification, an empty variable is one that is not set.
    return os.environ.get(name, "").strip()


def _of_signal(signal: str, what: str) -> tuple[str, str]:
    """Return the variable that holds for a signal, its own or that of all, and its value."""
    own, shared = f"{_OTLP}_{signal}_{what}", f"{_OTLP}_{what}"
    return (own, _value(own)) if _value(own) else (shared, _value(shared))


def exporters(signal: str) -> list[str]:
    """Return the names of a signal's exporters; OTLP where only an endpoint is given.

    The specification's default is OTLP to localhost, also where nobody configured anything.
    """
    given = _value(f"OTEL_{signal}_EXPORTER").lower()
    if not given and _of_signal(signal, "ENDPOINT")[1]:
        given = "otlp"
    return [name.strip() for name in given.split(",") if name.strip() not in ("", "none")]


def protocol(signal: str) -> str:
    """Return the protocol of a signal's OTLP exporter: as given, or as its endpoint says.

    Raises:
        ValueError: It is none that can be spoken, or cannot be known.
    """
    variable, given = _of_signal(signal, "PROTOCOL")
    if given:
        if given not in (GRPC, HTTP):
            raise ValueError(f"{variable}={given}: set {GRPC} or {HTTP}")
        return given
    variable, endpoint = _of_signal(signal, "ENDPOINT")
    if not endpoint:
        return HTTP  # what the specification recommends
    split = _split(variable, endpoint)
    if split.path.rstrip("/").endswith(f"/v1/{signal.lower()}"):
        return HTTP
    if split.port not in _PORTS:
        raise ValueError(
            f"{variable}={endpoint}: neither port 4317 ({GRPC}) nor 4318 ({HTTP}); say which by "
            f"{_OTLP}_PROTOCOL"
        )
    return _PORTS[split.port]


def exports_by_http(signal: str) -> bool:
    """Say whether a signal is exported by OTLP over HTTP."""
    return "otlp" in exporters(signal) and protocol(signal) == HTTP


def _split(variable: str, endpoint: str) -> SplitResult:
    try:
        split = urlsplit(endpoint)
        if split.scheme in ("http", "https") and split.hostname and split.port != 0:
            return split
    except ValueError:  # a port that is no number
        pass
    raise ValueError(f"{variable}={endpoint}: must be http://HOST:PORT or https://HOST:PORT")


def complete() -> None:
    """Check OTEL_*, and set what follows from what is given: exporters, protocols, sessions.

    Raises:
        ValueError: One is wrong; names it.
    """
    otel_values.check()
    queue, batch = (_value(f"OTEL_BSP_MAX_{what}") for what in ("QUEUE_SIZE", "EXPORT_BATCH_SIZE"))
    if int(batch or _SPANS_PER_BATCH) > int(queue or _SPANS_IN_QUEUE):
        raise ValueError(
            f"OTEL_BSP_MAX_EXPORT_BATCH_SIZE={batch or _SPANS_PER_BATCH}: more than"
            f" OTEL_BSP_MAX_QUEUE_SIZE={queue or _SPANS_IN_QUEUE}"
        )
    for variable, group in _PARTS.items():
        _check_names(variable, group, _value(variable).replace("*", ""))
    _check_names(_PROPAGATORS, "opentelemetry_propagator", _value(_PROPAGATORS).lower())
    sampler = _value(_SAMPLER).lower()
    if sampler and sampler not in _SAMPLERS:
        raise ValueError(f"{_SAMPLER}={sampler}: must be one of {', '.join(_SAMPLERS)}")
    if _value(_LOGS_EXPORTER).lower() not in ("", "none"):
        raise ValueError(
            f"{_LOGS_EXPORTER}={_value(_LOGS_EXPORTER)}: log lines go to standard output alone, "
            "where the Collector reads them; unset it"
        )
    for signal in SIGNALS:
        chosen = exporters(signal)
        if "otlp" in chosen:
            spoken = protocol(signal)
            variable, endpoint = _of_signal(signal, "ENDPOINT")
            if endpoint:
                _split(variable, endpoint)
            os.environ[f"{_OTLP}_{signal}_PROTOCOL"] = spoken
            own = _SESSION.format(f"_{signal}")
            is_chosen = _value(own) or _value(_SESSION.format(""))
            # A copy of this package that is not installed has no entry point.
            if not is_chosen and entry_points(group=_SESSIONS, name=_OURS):
                os.environ[own] = _OURS
        group = f"opentelemetry_{signal.lower()}_exporter"
        _check_names(f"OTEL_{signal}_EXPORTER", group, ",".join(set(chosen) - {"otlp"}))
        if chosen:
            os.environ[f"OTEL_{signal}_EXPORTER"] = ",".join(chosen)


def _check_names(variable: str, group: str, given: str) -> None:
    wanted = list(filter(None, map(str.strip, given.split(","))))
    if not wanted:  # as usual: then no package's description is read
        return
    installed = sorted({entry.name for entry in entry_points(group=group)} | {"none"})
    for name in wanted:
        if name not in installed:
            raise ValueError(
                f"{variable}={name}: must be one of the installed: {', '.join(installed)}"
            )
