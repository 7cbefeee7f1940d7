"""The media type that a client prefers, by its Accept field (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from django.http import HttpRequest
from ninja.errors import HttpError

__all__ = ["negotiated", "preferred"]

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_QUALITY: Final = re.compile(
    r";[ \t]*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*(?:;|$)", re.IGNORECASE
)


class _Range(NamedTuple):
    pattern: str
    quality: float
    place: int


def negotiated(request: HttpRequest, offered: Sequence[str]) -> str:
    """Return the offered media type to answer in: the first one if the client names none.

    Args:
        request: Whose Accept field decides.
        offered: Media types without parameters, in lower case.

    Raises:
        HttpError: 406, the client takes none of them.
    """
    accept = request.META.get("HTTP_ACCEPT")
    media_type = preferred(accept, offered) if accept else offered[0]
    if media_type is None:
        detail = f"this path answers in {' or '.join(offered)}"
        raise HttpError(HTTPStatus.NOT_ACCEPTABLE, detail)
    return media_type


def preferred(accept: str, offered: Sequence[str]) -> str | None:
    """Return the offered media type that the client prefers, or None if it takes none of them.

    Of two that it likes as well, the one that it names first, or more closely. Parameters of a
    media range, such as a charset, are not looked at: none of what is offered has any. A quality
    that cannot be read counts as none.

    Args:
        accept: The Accept field.
        offered: Media types without parameters, in lower case.
    """
    ranges = [_range(part, place) for place, part in enumerate(_unquoted(accept).split(","))]
    best: tuple[tuple[float, int, int], str] | None = None
    for media_type in offered:
        patterns = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        for closeness, pattern in enumerate(patterns):
            found = next((each for each in ranges if each.pattern == pattern), None)
            if found is not None:
                rank = (found.quality, -closeness, -found.place)
                if found.quality and (best is None or rank > best[0]):
                    best = rank, media_type
                break
    return best and best[1]


def _unquoted(accept: str) -> str:
    """Empty quoted values, in which commas and semicolons part nothing."""
    return _QUOTED.sub('""', accept) if '"' in accept else accept


def _range(text: str, place: int) -> _Range:
    pattern, *_ = text.partition(";")
    quality = _QUALITY.search(text)
    return _Range(pattern.strip(" \t").lower(), float(quality[1]) if quality else 1.0, place)
