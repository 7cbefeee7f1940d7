"""What services may call: a change of it is a change for everybody who copied the package."""

import inspect
from pathlib import Path

import pytest
import telemetry
import telemetry.client
import telemetry.django
import telemetry.environment
import telemetry.gunicorn
import telemetry.metrics

API = {
    "telemetry": [
        "carry",
        "configure_logging",
        "django",
        "get_logger",
        "gunicorn",
        "has_been_ready",
        "is_draining",
        "mark_ready",
        "metrics",
        "names",
        "record_exception",
        "request_id",
        "span",
        "stream",
        "trace_id",
    ],
    "telemetry.client": ["MAX_RETRIES", "http_client"],
    "telemetry.django": [
        "INSTALLED_APPS",
        "LOGGING_CONFIG",
        "MIDDLEWARE",
        "declare_routes",
        "get_wsgi_application",
        "metrics_view",
        "problem",
    ],
    "telemetry.environment": ["ServerEnvironment", "prefixed"],
    "telemetry.gunicorn": ["settings"],
    "telemetry.metrics": [
        "counter",
        "gauge",
        "histogram",
        "register",
        "store_operation",
    ],
}
MODULES = {each.__name__: each for each in (telemetry, telemetry.django, telemetry.gunicorn)}
MODULES |= {
    each.__name__: each for each in (telemetry.client, telemetry.environment, telemetry.metrics)
}


@pytest.mark.parametrize("name", API)
def test_the_public_names_are_these(name: str) -> None:
    assert sorted(MODULES[name].__all__) == API[name]
    assert all(hasattr(MODULES[name], each) for each in API[name])


def test_the_map_of_modules_is_complete() -> None:
    folder = Path(inspect.getfile(telemetry)).parent
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    assert telemetry.__doc__ is not None
    missing = [name for name in sorted(modules) if f"`{name}`" not in telemetry.__doc__]
    assert missing == ["client", "environment", "metrics", "names"]
    assert all(f"`telemetry.{name}`" in telemetry.__doc__ for name in missing)
