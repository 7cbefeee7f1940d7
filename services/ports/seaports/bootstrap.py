"""The composition root: the only module that connects adapters to use cases."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache, partial
from typing import BinaryIO, ParamSpec, TypeVar

import telemetry
from django.core.cache import caches
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from service.django.cache.local import LocalReads
from service.django.cache.reads import CachedReads
from telemetry.names import START_REFUSED_EVENT

from seaports import settings
from seaports.adapters import measures
from seaports.adapters.document import encode
from seaports.adapters.feed.reader import read_records
from seaports.adapters.http.faults import Faults
from seaports.adapters.store.cached import CachedPortStore
from seaports.adapters.store.memory import MemoryPortStore
from seaports.adapters.store.traced import TracedPortStore
from seaports.application.change_port import delete_port, put_port
from seaports.application.get_port import get_port
from seaports.application.import_ports import Report, import_ports
from seaports.application.interfaces import PortStore
from seaports.application.list_ports import list_ports, stream_ports
from seaports.application.use_cases import Holdings, UseCases
from seaports.domain.errors import InvalidRecord, PortsError, Refused, StoreUnavailable
from seaports.names import IMPORT_EVENT

_log = telemetry.get_logger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")


@cache
def use_cases() -> UseCases:
    """Return the use cases over the store that PORTS_STORE_URL names; one store a process."""
    backend: PortStore
    store: PortStore
    check: Callable[[], Holdings]
    if settings.ENVIRONMENT.store == "memory":
        store = backend = TracedPortStore(MemoryPortStore(encode), system="memory")
        check = partial(_check, backend)
    else:
        # Imported here, so that the memory store starts without psycopg.
        from service.django.postgresql.check import PromptCheck  # noqa: PLC0415
        from service.django.postgresql.replica import Positions, Replica  # noqa: PLC0415

        from seaports.adapters.store.postgres.store import PostgresPortStore  # noqa: PLC0415

        replica = (
            None
            if settings.ENVIRONMENT.REPLICA_URL is None
            else Replica(
                settings.ENVIRONMENT.REPLICA_LAG_SECONDS,
                StoreUnavailable,
                Positions(StoreUnavailable),
            )
        )
        backend = TracedPortStore(PostgresPortStore(encode, replica), system="postgresql")
        store = (
            CachedPortStore(backend, _reads()) if settings.ENVIRONMENT.CACHE_SECONDS else backend
        )
        check = PromptCheck(partial(_check, backend), StoreUnavailable)
    return UseCases(
        get_port=_traced(partial(get_port, store), "get_port"),
        list_ports=_traced(partial(list_ports, store), "list_ports"),
        stream_ports=_streamed(partial(stream_ports, store), "stream_ports"),
        put_port=_traced(partial(put_port, store), "put_port"),
        delete_port=_traced(partial(delete_port, store), "delete_port"),
        import_ports=_traced(partial(import_ports, store), "import_ports"),
        encode=encode,
        revision=store.revision,
        check_store=check,
    )


def _reads() -> CachedReads:
    if settings.ENVIRONMENT.CACHE_URL is None:
        return LocalReads(caches["default"])
    # Imported here, so that a cache in memory starts without the client of Redis.
    from service.django.cache.shared import SharedReads  # noqa: PLC0415

    return SharedReads(caches["default"])


def faults(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Faults:
    """Return the middleware of game days, over the file that PORTS_FAULTS_FILE names."""
    file = settings.ENVIRONMENT.PORTS_FAULTS_FILE
    if file is None:
        raise MiddlewareNotUsed
    return Faults(get_response, file)


def run_import(
    stream: BinaryIO,
    *,
    skip_invalid: Callable[[InvalidRecord], None] | None = None,
    commit: bool = True,
) -> Report:
    """Import a file of ports, and log and measure what came of it.

    Args:
        stream: The file, read from where it stands.
        skip_invalid: As `application.import_ports.import_ports`.
        commit: False validates and counts, and changes nothing.

    Raises:
        PortsError: As `application.import_ports.import_ports`.
    """
    started = time.perf_counter()
    try:
        report = use_cases().import_ports(
            read_records(stream), skip_invalid=skip_invalid, commit=commit
        )
    except PortsError as error:
        _log.error(IMPORT_EVENT, outcome="failed", reason=str(error))
        measures.import_finished("failed", {}, time.perf_counter() - started)
        raise
    seconds = time.perf_counter() - started
    _log.info(
        IMPORT_EVENT,
        outcome="committed" if commit else "dry-run",
        **report._asdict(),
        duration_s=round(seconds, 3),
    )
    if commit:
        measures.import_finished("committed", report._asdict(), seconds)
        with suppress(StoreUnavailable):  # what is imported stays imported
            use_cases().check_store()
    return report


def start() -> None:
    """Fill the memory store, before anything is served.

    Raises:
        SystemExit: The file cannot be read; one line of the log says why.
    """
    if settings.ENVIRONMENT.store == "memory":
        path = settings.ENVIRONMENT.PORTS_DATA_FILE
        try:
            with path.open("rb") as stream:
                run_import(stream)
        except OSError as error:
            raise _stop(f"PORTS_DATA_FILE={path}: {error.strerror}") from None
        except PortsError as error:
            raise _stop(f"PORTS_DATA_FILE={path}: {error}") from None


def _stop(reason: str) -> SystemExit:
    _log.critical(START_REFUSED_EVENT, reason=reason)
    return SystemExit(1)


def _check(store: PortStore) -> Holdings:
    """Ask the store itself, and show what it holds: so `/metrics` is as fresh as the last probe."""
    held = Holdings(ports=store.count(), revision=store.revision())
    measures.set_store(**held._asdict())
    return held


def _streamed(function: Callable[_P, Iterator[_T]], name: str) -> Callable[_P, Iterator[_T]]:
    """Return the use case with a span around all that it yields."""

    def streamed(*args: _P.args, **kwargs: _P.kwargs) -> Iterator[_T]:
        return telemetry.stream(name, lambda: function(*args, **kwargs))

    return streamed


def _traced(function: Callable[_P, _T], name: str) -> Callable[_P, _T]:
    """Return the use case with a span around it."""

    def traced(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        with telemetry.span(name, expected=Refused):
            return function(*args, **kwargs)

    return traced
