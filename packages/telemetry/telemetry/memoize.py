"""A thread-safe cache of a function's results: one call per set of arguments."""

import functools
import threading
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, cast

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

_making = threading.RLock()  # one for all: making one thing may need another


def memoize(make: Callable[[*Ts], T]) -> Callable[[*Ts], T]:
    """Return a function that keeps what ``make`` returned for the same arguments.

    functools.cache alone lets two threads make the same object, and a metric's second registration
    fails. So a second cache, which a lock protects, is behind the first one.
    """
    made = functools.cache(make)

    def make_once(*key: *Ts) -> T:
        with _making:
            return made(*key)

    get = functools.cache(make_once)
    functools.update_wrapper(get, make)
    return cast("Callable[[*Ts], T]", get)
