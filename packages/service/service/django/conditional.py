"""Entity tags and conditional requests (RFC 9110, section 13)."""

import re
from hashlib import blake2b
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.http.response import HttpResponseBase
from ninja.errors import HttpError

__all__ = [
    "ENTITY_TAGS_PATTERN",
    "REVALIDATE",
    "etag_of",
    "if_match",
    "if_none_match",
    "json_response",
    "unchanged",
]

_DIGEST_BYTES: Final = 12

REVALIDATE: Final = "no-cache"
"""For caches: clients may keep what they got and must ask whether it is still right."""

_TAG: Final = '(?:W/)?"[!#-~]*"'
ENTITY_TAGS_PATTERN: Final = f"^{_TAG}([ \t]*,[ \t]*{_TAG})*$"
"""What clients send in If-Match and If-None-Match, where it is not `*`."""
# The syntax: elements of a list may be empty (RFC 9110, section 5.6.1.2), and a tag may hold a
# comma and bytes beyond ASCII (section 8.8.3).
_READ: Final = _TAG.replace("~", "~\x80-\xff")
_find_tags = re.compile(_READ).findall
_are_entity_tags = re.compile(f"[ \t,]*{_READ}(?:[ \t]*,[ \t,]*{_READ})*[ \t,]*").fullmatch


def etag_of(*content: bytes) -> str:
    """Return the strong entity tag, in its quotes, of the given bytes."""
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for part in content:
        digest.update(part)
    return f'"{digest.hexdigest()}"'


def unchanged(request: HttpRequest, etag: str) -> HttpResponseBase | None:
    """Return the 304 that the request's conditions ask for, else None.

    Raises:
        HttpError: 412, If-Match does not hold; 400, a header is malformed.
    """
    none_match = request.META.get("HTTP_IF_NONE_MATCH")
    if "HTTP_IF_MATCH" in request.META:
        match = if_match(request)
        if match != ["*"] and etag not in match:
            raise HttpError(
                HTTPStatus.PRECONDITION_FAILED,
                "the entity tag given in If-Match is not the current one",
            )
    # Nearly always it is the tag that we gave, and nothing else.
    if none_match is None or (none_match != etag and not _matches_weakly(request, etag)):
        return None
    # The 304 has the cache fields of the 200 (RFC 9110, section 15.4.5).
    return HttpResponseNotModified(
        content_type="", headers={"ETag": etag, "Cache-Control": REVALIDATE}
    )


def _matches_weakly(request: HttpRequest, etag: str) -> bool:
    tags = if_none_match(request)
    return tags == ["*"] or etag in tags


def if_match(request: HttpRequest) -> list[str]:
    """Return the entity tags of If-Match; `["*"]` for any, nothing without it.

    Raises:
        HttpError: 400, the header is malformed; to ignore it would be to write unconditionally.
    """
    return _entity_tags(request, "If-Match")


def if_none_match(request: HttpRequest) -> list[str]:
    """Return those of If-None-Match, which is compared weakly (RFC 9110, section 13.1.2).

    Raises:
        HttpError: 400, the header is malformed.
    """
    return [tag.removeprefix("W/") for tag in _entity_tags(request, "If-None-Match")]


def _entity_tags(request: HttpRequest, header: str) -> list[str]:
    value = request.headers.get(header)
    if value is None or value == "*":
        return [] if value is None else ["*"]
    if not _are_entity_tags(value):
        raise HttpError(
            HTTPStatus.BAD_REQUEST, f'{header} is neither * nor a list of "entity tags"'
        )
    return list(_find_tags(value))


def json_response(content: bytes, etag: str) -> HttpResponse:
    """Return prepared JSON with its entity tag."""
    return HttpResponse(
        content,
        content_type="application/json",
        headers={"ETag": etag, "Cache-Control": REVALIDATE},
    )
