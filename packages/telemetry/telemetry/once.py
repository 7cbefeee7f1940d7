"""Make a thing once per set of arguments, however many threads ask for it first."""

import functools
import threading
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

_making = threading.RLock()  # one for all: making one thing may need another


def once(make: Callable[[*Ts], T]) -> Callable[[*Ts], T]:
    """Return a function that keeps what ``make`` returned for the same arguments.

    functools.cache lets two threads make the same thing, and a metric's second registration fails.
    """
    made: dict[tuple[*Ts], T] = {}

    def get(*key: *Ts) -> T:
        try:
            return made[key]
        except KeyError:
            with _making:
                if key not in made:
                    made[key] = make(*key)
                return made[key]

    functools.update_wrapper(get, make)
    return get
