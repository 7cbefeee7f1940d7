"""Expositions written one after another: only what has changed since the last one is written."""

import time
from copy import copy
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric
    from prometheus_client.registry import Collector
    from prometheus_client.samples import Sample

_AT_ONCE: Final = 16
_BREAK_SECONDS: Final = 0.00005  # long enough for another thread to wake up
# Encoders of the older format move samples with these ends of their names to families of their own.
_MOVED: Final = ("_created", "_gsum", "_gcount")


class _Families:
    """Metric families as an encoder asks a registry for them."""

    def __init__(self, *families: "Metric") -> None:
        self._families = families

    def collect(self) -> "Iterator[Metric]":
        """Yield them."""
        return iter(self._families)


class Writer:
    """Writes expositions of one format, in pieces of a few samples, by the library's encoder.

    Most series stand still from one scrape to the next: a piece whose samples are what they were is
    taken from the last exposition. After each one that is written, other threads have the
    interpreter for a moment: a thread that does not wait for anything keeps it for 5 ms, and
    requests that met a scrape were the slowest.

    Args:
        encode: Returns the exposition of a registry; one of prometheus_client's.
    """

    def __init__(self, encode: "Callable[[Collector], bytes]") -> None:
        """Begin with nothing to remember."""
        self._encode = encode
        self._end = encode(_Families())
        self._last: dict[tuple[str, int], tuple[bytes, list[Sample], bytes]] = {}

    def write(self, families: "Iterable[Metric]") -> bytes:
        """Return the exposition of these families, byte by byte as the encoder writes all of it.

        Two threads may do it at a time.
        """
        found = {}
        parts = []
        for family in families:
            head = self._lines(family, [])
            parts.append(head)
            for number, samples in enumerate(_pieces(family)):
                place = family.name, number
                piece = self._last.get(place)
                if piece is None or piece[:2] != (head, samples):
                    piece = head, samples, self._lines(family, samples).removeprefix(head)
                    time.sleep(_BREAK_SECONDS)
                found[place] = piece
                parts.append(piece[2])
        self._last = found  # at once: two scrapes may go on at a time
        return b"".join((*parts, self._end))

    def _lines(self, family: "Metric", samples: "list[Sample]") -> bytes:
        piece = copy(family)  # it may be its collector's to keep
        piece.samples = samples
        return self._encode(_Families(piece)).removesuffix(self._end)


def _pieces(family: "Metric") -> "list[list[Sample]]":
    samples = family.samples
    if any(sample.name.endswith(_MOVED) for sample in samples):
        return [list(samples)]  # the collector may go on with its own
    return [samples[at : at + _AT_ONCE] for at in range(0, len(samples), _AT_ONCE)]
