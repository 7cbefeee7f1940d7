import os
import re

import pytest
from telemetry import otel

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no OTEL_* in the environment, nor any that a test sets after it."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    monkeypatch.setattr(os, "environ", kept)


@pytest.mark.parametrize(
    ("given", "traces", "metrics"),
    [
        ({}, [], []),
        ({ENDPOINT: ""}, [], []),
        ({ENDPOINT: "http://x:4318"}, ["otlp"], ["otlp"]),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:4318/v1/traces"}, ["otlp"], []),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://x:4317"}, [], ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": " Console, otlp"}, ["console", "otlp"], []),
        ({ENDPOINT: "http://x:4317", "OTEL_TRACES_EXPORTER": "none"}, [], ["otlp"]),
    ],
)
def test_an_exporter_is_chosen_only_where_somebody_said_where_to(
    given: dict[str, str], traces: list[str], metrics: list[str]
) -> None:
    os.environ.update(given)
    otel.complete()
    assert (otel.exporters("TRACES"), otel.exporters("METRICS")) == (traces, metrics)
    assert os.environ.get("OTEL_TRACES_EXPORTER") in (
        ",".join(traces) or None,
        given.get("OTEL_TRACES_EXPORTER"),
    )


@pytest.mark.parametrize(
    ("given", "spoken"),
    [
        ({ENDPOINT: "http://x:4318"}, otel.HTTP),
        ({ENDPOINT: "https://x:4317"}, otel.GRPC),
        ({ENDPOINT: "http://[::1]:4317/"}, otel.GRPC),
        ({ENDPOINT: "http://x:9", PROTOCOL: otel.GRPC}, otel.GRPC),
        ({ENDPOINT: "http://x:4317", PROTOCOL: otel.HTTP}, otel.HTTP),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://x/otlp/v1/traces"}, otel.HTTP),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, otel.HTTP),
    ],
)
def test_the_protocol_is_the_one_given_or_the_one_that_the_endpoint_says(
    given: dict[str, str], spoken: str
) -> None:
    os.environ.update(given)
    otel.complete()
    assert otel.protocol("TRACES") == os.environ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == spoken


SESSION = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER"
OF_TRACES = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_TRACES_CREDENTIAL_PROVIDER"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({ENDPOINT: "http://x:4318"}, "telemetry"),
        ({ENDPOINT: "http://x:4318", OF_TRACES: "gcp"}, "gcp"),
        ({ENDPOINT: "http://x:4318", SESSION: "gcp"}, None),
        ({}, None),
    ],
)
def test_the_exporters_session_is_ours_unless_somebody_names_another(
    given: dict[str, str], expected: str | None
) -> None:
    os.environ.update(given)
    otel.complete()
    assert os.environ.get(OF_TRACES) == expected


def test_a_copy_that_is_not_installed_has_the_exporters_own_session(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(otel, "entry_points", lambda **_: ())
    os.environ[ENDPOINT] = "http://x:4318"
    otel.complete()
    assert OF_TRACES not in os.environ


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({ENDPOINT: "http://x:9"}, f"{ENDPOINT}=http://x:9: neither port 4317"),
        ({ENDPOINT: "https://x"}, f"{ENDPOINT}=https://x: neither port 4317"),
        ({ENDPOINT: "localhost:4317"}, f"{ENDPOINT}=localhost:4317: must be http://HOST:PORT"),
        ({ENDPOINT: "http://:4318"}, "must be http://HOST:PORT"),
        ({ENDPOINT: "http://x:port"}, "must be http://HOST:PORT"),
        ({ENDPOINT: "x", PROTOCOL: otel.GRPC}, "must be http://HOST:PORT"),
        ({ENDPOINT: "http://x:4318", PROTOCOL: "http/json"}, f"{PROTOCOL}=http/json: set grpc or"),
        (
            {ENDPOINT: "http://x:4318", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "thrift"},
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=thrift: set grpc or",
        ),
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER=zipkin: must be one of the installed",
        ),
        (
            {"OTEL_METRICS_EXPORTER": "otlp,x"},
            "OTEL_METRICS_EXPORTER=x: must be one of the installed",
        ),
        ({"OTEL_LOGS_EXPORTER": "otlp"}, "OTEL_LOGS_EXPORTER=otlp: log lines go to standard"),
        (
            {"OTEL_PROPAGATORS": "tracecontext,b3"},
            "OTEL_PROPAGATORS=b3: must be one of the installed",
        ),
        ({"OTEL_TRACES_SAMPLER": "sometimes"}, "OTEL_TRACES_SAMPLER=sometimes: must be one of"),
        ({"OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "x"}, "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS=x: "),
        (
            {"OTEL_PYTHON_ID_GENERATOR": "dice"},
            "OTEL_PYTHON_ID_GENERATOR=dice: must be one of the installed",
        ),
        (
            {"OTEL_BSP_MAX_QUEUE_SIZE": "100"},
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=512: more than OTEL_BSP_MAX_QUEUE_SIZE=100",
        ),
    ],
)
def test_an_invalid_otel_variable_is_refused_by_its_name(
    given: dict[str, str], message: str
) -> None:
    os.environ.update(given)
    with pytest.raises(ValueError, match=re.escape(message)):
        otel.complete()


def test_valid_otel_variables_stay_unchanged() -> None:
    os.environ.update(
        {
            "OTEL_PROPAGATORS": "tracecontext, baggage",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_TRACES_EXPORTER": "console",
        }
    )
    otel.complete()
    assert otel.exporters("TRACES") == ["console"]
