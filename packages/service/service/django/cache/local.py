"""Reads in the memory of this process."""

from collections.abc import Callable
from itertools import count
from typing import TypeVar, cast

from django.core.cache.backends.base import BaseCache

from service.django.cache.reads import MAX_CACHED_BYTES, Codec

T = TypeVar("T")


class LocalReads:
    """Reads that may be as old as the cache's timeout.

    They miss the writes of other processes for so long. This process reads its own writes at once.
    """

    def __init__(self, cache: BaseCache) -> None:
        """Hold nothing.

        Args:
            cache: One in memory; its timeout bounds staleness.
        """
        self._cache = cache
        # Part of every key. A read that began before a write ended stores its result under the
        # generation that it began with, where nobody looks any more.
        self._generations = count()
        self._generation = next(self._generations)

    def read(self, key: str, load: Callable[[], T], codec: Codec[T]) -> T:
        """Return the value under a key: the one that is held or, if there is none, a loaded one."""
        generation = self._generation
        held = cast("bytes | None", self._cache.get(key, version=generation))
        if held is not None:
            return codec.parse(held)
        value = load()
        data = codec.dump(value)
        if len(data) <= MAX_CACHED_BYTES:
            self._cache.set(key, data, version=generation)
        return value

    def invalidate(self) -> None:
        """Forget all values."""
        self._generation = next(self._generations)
