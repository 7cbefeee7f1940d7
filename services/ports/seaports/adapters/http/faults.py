"""Fault injection for game days: errors, latency, or a database that seems down.

It is active only if PORTS_FAULTS_FILE is set and the file exists. The file contains the fault, for
example `{"fault": "errors", "share": 0.2}`. A file reaches all workers and replicas, and clients
cannot change it over HTTP.
"""

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import telemetry
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from telemetry import names

from seaports.adapters.http.problems import ERRORS
from seaports.domain.errors import PortsError, StoreUnavailable

# Probes, /metrics and the documentation are never touched.
_TOUCHED: Final = "/ports"

_log = telemetry.get_logger(__name__)


class InjectedFault(PortsError):
    """An error that a game day asked for."""


class Fault(BaseModel):
    """The current fault."""

    model_config = ConfigDict(extra="forbid")

    fault: Literal["errors", "latency", "db-down"]
    share: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Of the requests, drawn at random."""
    seconds: Annotated[float, Field(ge=0, le=30)] = 0.3
    """How long `latency` holds a request."""


class Faults:
    """The middleware that makes requests fail as the file says."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase], file: Path) -> None:
        """Wrap the rest; the file is looked at on each request that may be touched."""
        self._get_response = get_response
        self._file = file
        self._seen = 0
        self._fault: Fault | None = None

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on: what goes wrong does so once its route is known."""
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponseBase | None:
        """Answer in the view's place as the fault wants; None lets the view answer."""
        fault = self._current() if request.path.startswith(_TOUCHED) else None
        if fault is None or random.random() >= fault.share:  # noqa: S311 - nothing secret
            return None
        if fault.fault == "errors":
            return ERRORS.answer(request, InjectedFault("injected"))
        if fault.fault == "db-down":
            away = StoreUnavailable("the database does not answer (injected)")
            return ERRORS.answer(request, away)
        time.sleep(fault.seconds)
        return None

    def _current(self) -> Fault | None:
        try:
            changed = self._file.stat().st_mtime_ns
        except OSError:
            self._seen, self._fault = 0, None
            return None
        if changed != self._seen:
            self._seen = changed
            try:
                self._fault = Fault.model_validate_json(self._file.read_bytes())
                _log.warning(names.FAULT_EVENT, **self._fault.model_dump())
            except (OSError, ValidationError) as error:
                self._fault = None
                _log.error(names.FAULT_EVENT, fault="none", reason=str(error))
        return self._fault
