"""The names that services may call: a change concerns everybody who copied a package."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest
import service
import service.django
import telemetry

API = {
    "service.django.api": ["Api"],
    "service.django.conditional": [
        "ENTITY_TAGS_PATTERN",
        "REVALIDATE",
        "etag_of",
        "if_match",
        "if_none_match",
        "json_response",
        "unchanged",
    ],
    "service.django.conf": ["settings"],
    "service.django.parser": ["StrictParser", "StrictQuery", "whole_body"],
    "service.django.probes": ["Ready", "router"],
    "service.django.problems": ["Errors", "PROBLEMS", "Problem", "problem"],
    "service.django.urls": ["urlconf"],
    "service.django.wsgi": ["get_wsgi_application"],
    "service.environment": ["ServerEnvironment", "prefixed"],
    "service.gunicorn": ["settings"],
    "telemetry": [
        "carry",
        "configure_logging",
        "get_logger",
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
        "metrics_view",
    ],
    "telemetry.metrics": [
        "counter",
        "gauge",
        "histogram",
        "register",
        "store_operation",
    ],
}
MODULES = {name: importlib.import_module(name) for name in API}
# The names that the package's docstring lists for services.
CALLED = {
    "service": ["django", "environment", "gunicorn"],
    "service.django": [],
    "telemetry": ["client", "django", "metrics", "names"],
}


@pytest.mark.parametrize("name", API)
def test_the_public_names_are_these(name: str) -> None:
    assert sorted(MODULES[name].__all__) == API[name]
    assert all(hasattr(MODULES[name], each) for each in API[name])


@pytest.mark.parametrize("package", [service, service.django, telemetry])
def test_the_map_of_modules_is_complete(package: ModuleType) -> None:
    folder = Path(inspect.getfile(package)).parent
    modules = {file.stem for file in folder.glob("*.py")} - {"__init__"}
    modules |= {file.parent.name for file in folder.glob("*/__init__.py")}
    text = package.__doc__ or ""
    called = [name for name in sorted(modules) if f"`{package.__name__}.{name}`" in text]
    assert called == CALLED[package.__name__]
    assert [name for name in sorted(modules - set(called)) if f"`{name}`" not in text] == []
