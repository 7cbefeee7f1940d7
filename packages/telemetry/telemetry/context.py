"""Data of the current request."""

import contextvars
import random
import re
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

HEADER: Final = "X-Request-ID"

# Long enough for any usual id (UUID, ULID, W3C trace id), and nothing that needs escaping.
WELL_FORMED: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")

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
