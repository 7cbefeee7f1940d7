"""What is known of the request being handled in the current context."""

import contextvars
import random
import re
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

HEADER: Final = "X-Request-ID"

# Long enough for any usual id (UUID, ULID, W3C trace id), and nothing that needs escaping.
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

# A proxy gives up on a request sooner than this; a longer wait is a wrong clock.
MAX_PROXY_SECONDS: Final = 60.0

_trusted: frozenset[str] = frozenset()
_request_id: contextvars.ContextVar[str | None] = contextvars.ContextVar(
    "telemetry_request_id", default=None
)
# time.monotonic() of the moment from which the request has been waiting in this process.
arrived_at: contextvars.ContextVar[float | None] = contextvars.ContextVar(
    "telemetry_arrived_at", default=None
)


def request_id() -> str | None:
    """Return the id of the request being handled in this context, if there is one."""
    return _request_id.get()


def begin(offered: str | None) -> str:
    """Bind a request id to this context: the offered one if well formed, else a new one."""
    if offered and WELL_FORMED.fullmatch(offered):
        identifier = offered
    else:
        identifier = f"{random.getrandbits(128):032x}"  # unique, as trace ids are; no secret
    _request_id.set(identifier)
    return identifier


def trust_proxies(addresses: str) -> None:
    """Say whose X-Request-Start is believed: addresses separated by commas, or ``*`` for all."""
    global _trusted  # noqa: PLW0603 -- set once, by the server's configuration
    _trusted = frozenset(address.strip() for address in addresses.split(","))


def proxy_seconds(stamp: str, client: str) -> float:
    """Return how long a request waited before it came here, by a proxy's X-Request-Start.

    Args:
        stamp: ``t=`` and a Unix time in seconds, milliseconds or microseconds, as nginx, Heroku
            and HAProxy write it; the ``t=`` may be missing.
        client: Address that the connection came from.

    Returns:
        Seconds; 0 if the client is not trusted, or the stamp is no number, in our future, or more
        than MAX_PROXY_SECONDS ago.
    """
    if client not in _trusted and "*" not in _trusted:
        return 0.0
    try:
        number = float(stamp.strip().removeprefix("t="))
    except ValueError:
        return 0.0
    for unit in (1.0, 1e3, 1e6):
        waited = time.time() - number / unit
        if 0.0 <= waited <= MAX_PROXY_SECONDS:
            return waited
    return 0.0


def end() -> None:
    """Forget the request: a pool's thread goes on to the next one in the same context."""
    _request_id.set(None)
    arrived_at.set(None)


def carry(function: Callable[P, R]) -> Callable[P, R]:
    """Return the function bound to a copy of this context, for a thread started by a request.

    Log lines and spans of ``Thread(target=carry(work))`` or ``executor.submit(carry(work))``
    then carry the request's ids, which a new thread would not know.
    """
    context = contextvars.copy_context()

    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return context.run(function, *args, **kwargs)

    return run
