"""The interface of a cache of reads, in memory or shared."""

from collections.abc import Callable
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

__all__ = ["MAX_CACHED_BYTES", "CachedReads", "Codec"]

MAX_CACHED_BYTES: Final = 65536
"""A longer value is not cached."""

T = TypeVar("T")


class Codec(NamedTuple, Generic[T]):
    """How a value becomes bytes and is read from them again.

    Attributes:
        dump: Returns at least one byte.
        parse: Raises ValueError if the bytes are of another kind.
    """

    dump: Callable[[T], bytes]
    parse: Callable[[bytes], T]


class CachedReads(Protocol):
    """Reads of one store. Every method is safe to call from many threads."""

    def read(self, key: str, load: Callable[[], T], codec: Codec[T]) -> T:
        """Return the value under a key: the one that is held or, if there is none, a loaded one.

        Args:
            key: Printable ASCII without blanks. Another codec needs another key.
            load: Reads the value from the store.
            codec: How the value becomes bytes.
        """
        ...

    def invalidate(self) -> None:
        """Forget all values. To be called after each write, once it is committed."""
        ...
