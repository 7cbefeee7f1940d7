"""Reads in Valkey or Redis, which all processes of a service share.

Each value begins with the generation that it was read under. The generation is a random text under
a key of its own; both keys are asked for at once. A write deletes the generation, so that no value
is right any more. A read that began before the write ended stores its value with a generation that
never returns, whatever the order in which the server sees both.

Without the server, reads go to the store. If a process cannot tell the server of a write, the
process reads past the cache until it can. Other processes may read old values until their timeout.
"""

import secrets
import time
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar, cast

import telemetry
from django.core.cache.backends.base import BaseCache
from django_prometheus.cache import metrics as counted
from redis.exceptions import OutOfMemoryError, ResponseError
from redis.exceptions import TimeoutError as ServerTimeout
from telemetry import names
from telemetry.metrics import counter, gauge

from service.django.cache.reads import MAX_CACHED_BYTES, Codec
from service.django.postgresql.breaker import Breaker

_GENERATION: Final = "generation"
_RANDOM_BYTES: Final = 8
_GENERATION_BYTES: Final = 2 * _RANDOM_BYTES
_SPAN: Final = "cache"
# The label with which django-prometheus counts what this backend's `get` does.
_BACKEND: Final = {"backend": "native_redis"}
_CONNECTION, _TIMEOUT, _FULL, _REFUSED, _INVALID = names.CACHE_FAILED
# The server answered: the next request may ask it again.
_ANSWERED: Final = frozenset({_FULL, _REFUSED})
_COMPLAIN_EVERY_SECONDS: Final = 60.0

T = TypeVar("T")

_log = telemetry.get_logger(__name__)


class CacheAway(Exception):
    """The server did not answer a moment ago."""


class CacheFailed(Exception):
    """The server did not do what it was asked to; the text is one of `names.CACHE_FAILED`.

    The text has nothing of the server's answer: an old server repeats the password that it did not
    understand.
    """


class SharedReads:
    """Reads that see a write of any process as soon as that write is answered.

    If the server cannot be told of a write, other processes' reads may be as old as the cache's
    timeout and the time of the read that filled it.
    """

    def __init__(self, cache: BaseCache) -> None:
        """Connect to nothing yet.

        Args:
            cache: Django's Redis backend, with `serializer.Bytes`.
        """
        self._cache = cache
        self._breaker = Breaker(CacheAway)
        self._lock = Lock()
        self._written = self._told = 0  # writes, and how many of them the server knows
        self._bypassed: bool | None = None  # as shown on /metrics
        self._complained_at: dict[str, float] = {}

    def read(self, key: str, load: Callable[[], T], codec: Codec[T]) -> T:
        """Return the value under a key: the one that is held or, if there is none, a loaded one."""
        generation, data = self._held(key)
        if data is not None:
            try:
                return codec.parse(data)
            except ValueError:
                self._tell(_INVALID)
        value = load()
        if generation is not None:
            data = codec.dump(value)
            if len(data) <= MAX_CACHED_BYTES:
                self._ask("SET", partial(self._cache.set, key, generation + data))
        return value

    def invalidate(self) -> None:
        """Forget all values, on the server too or, if it does not answer, once it does."""
        with self._lock:
            self._written += 1
        self._settle()

    def _held(self, key: str) -> tuple[bytes | None, bytes | None]:
        """Return the generation under which a value may be stored, and the value; None: neither."""
        if self._told < self._written and not self._settle():
            return None, None
        counted.django_cache_get_total.labels(**_BACKEND).inc()
        found = self._ask("MGET", partial(self._cache.get_many, (_GENERATION, key)))
        if found is None:
            counted.django_cache_get_fail_total.labels(**_BACKEND).inc()
            return None, None
        generation = cast("bytes | None", found.get(_GENERATION))
        if generation is not None and len(generation) != _GENERATION_BYTES:
            self._tell(_INVALID)
            self._ask("DEL", partial(self._cache.delete, _GENERATION))
        elif generation is not None:
            data = cast("bytes", found.get(key, b""))
            if data.startswith(generation):
                counted.django_cache_hits_total.labels(**_BACKEND).inc()
                return generation, data[_GENERATION_BYTES:]
        counted.django_cache_misses_total.labels(**_BACKEND).inc()
        return self._begun() if generation is None else generation, None

    def _begun(self) -> bytes | None:
        """Begin a generation; None if another process was faster."""
        generation = secrets.token_hex(_RANDOM_BYTES).encode()
        begin = partial(self._cache.add, _GENERATION, generation, timeout=None)
        return generation if self._ask("SET NX", begin) else None

    def _settle(self) -> bool:
        """Delete the generation; return whether the server knows of this process's writes."""
        written = self._written
        # No new generation in its place: a server whose memory is full sets nothing, but deletes.
        if self._ask("DEL", partial(self._cache.delete, _GENERATION)) is None:
            return False
        with self._lock:
            self._told = max(self._told, written)
        self._show()
        return True

    def _ask(self, command: str, call: Callable[[], T]) -> T | None:
        """Return the server's answer, or None."""
        try:
            way = self._breaker.enter()
        except CacheAway:
            return None
        answered = True
        try:
            with telemetry.span(_SPAN, _ATTRIBUTES[command]):
                return _called(call)
        except CacheFailed as failure:
            reason = str(failure)
            answered = reason in _ANSWERED
            self._tell(reason)
            return None
        finally:
            self._breaker.leave(way, answered=answered)
            self._show()

    def _tell(self, reason: str) -> None:
        counter(names.CACHE_FAILURES).labels(reason).inc()
        now = time.monotonic()
        if now - self._complained_at.get(reason, -_COMPLAIN_EVERY_SECONDS) >= (
            _COMPLAIN_EVERY_SECONDS
        ):
            self._complained_at[reason] = now
            _log.warning(names.CACHE_EVENT, reason=reason)

    def _show(self) -> None:
        bypassed = self._breaker.is_open or self._told < self._written
        if bypassed is not self._bypassed:
            if self._bypassed is None:
                for reason in names.CACHE_FAILED:
                    counter(names.CACHE_FAILURES).labels(reason)
            self._bypassed = bypassed
            gauge(names.CACHE_BYPASSED).set(bypassed)


_ATTRIBUTES: Final[dict[str, dict[str, Any]]] = {
    command: {names.ATTR_DB_SYSTEM: "redis", names.ATTR_DB_OPERATION: command}
    for command in ("MGET", "SET", "SET NX", "DEL")
}


def _called(call: Callable[[], T]) -> T:
    try:
        return call()
    except OutOfMemoryError:
        reason = _FULL
    except ResponseError:
        reason = _REFUSED
    except ServerTimeout:
        reason = _TIMEOUT
    except Exception:  # noqa: BLE001 - whatever a cache does, the store still answers
        reason = _CONNECTION
    raise CacheFailed(reason)
