"""Entity tags and conditional requests (RFC 9110, section 13)."""

import re
from hashlib import blake2b
from http import HTTPStatus
from typing import Final

from django.http import HttpRequest, HttpResponseNotModified
from django.http.response import HttpResponseBase
from ninja.errors import HttpError

from seaports.application.interfaces import Document, Precondition
from seaports.domain.errors import PreconditionFailed

_DIGEST_BYTES: Final = 12

REVALIDATE: Final = "no-cache"
"""For caches: clients may keep what they got and must ask whether it is still right."""

_TAG: Final = '(?:W/)?"[!#-~]*"'
ENTITY_TAGS_PATTERN: Final = f"^{_TAG}([ \t]*,[ \t]*{_TAG})*$"
"""What clients send in If-Match and If-None-Match, where it is not `*`."""
# What is read: elements of a list may be empty (RFC 9110, section 5.6.1.2), and a tag may hold a
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
        PreconditionFailed: If-Match does not hold.
        HttpError: 400, a header is malformed.
    """
    none_match = request.META.get("HTTP_IF_NONE_MATCH")
    if "HTTP_IF_MATCH" in request.META:
        match = _entity_tags(request, "If-Match")
        if match != ["*"] and etag not in match:
            raise PreconditionFailed("the entity tag given in If-Match is not the current one")
    # Nearly always it is the tag that we gave, and nothing else.
    if none_match is None or (none_match != etag and not _matches_weakly(request, etag)):
        return None
    # What a 200 would say to caches, the 304 says too (RFC 9110, section 15.4.5).
    return HttpResponseNotModified(
        content_type="", headers={"ETag": etag, "Cache-Control": REVALIDATE}
    )


def precondition(request: HttpRequest) -> Precondition:
    """Return the check of a port's current document that If-Match and If-None-Match ask for.

    `If-Match: "tag"` holds while the port is that one, `If-Match: *` while there is any,
    `If-None-Match: *` while there is none.

    Raises:
        HttpError: 400, a header is malformed; to ignore it would be to write unconditionally.
    """
    match = _entity_tags(request, "If-Match")
    none_match = _weak_entity_tags(request)

    def check(document: Document | None) -> None:
        etag = None if document is None else etag_of(document)
        if match and (etag is None or (match != ["*"] and etag not in match)):
            raise PreconditionFailed(
                "the port does not exist"
                if etag is None
                else f"the port has changed: its entity tag is now {etag}"
            )
        if etag is not None and (none_match == ["*"] or etag in none_match):
            raise PreconditionFailed(f"the port exists: its entity tag is {etag}")

    return check


def _matches_weakly(request: HttpRequest, etag: str) -> bool:
    tags = _weak_entity_tags(request)
    return tags == ["*"] or etag in tags


def _weak_entity_tags(request: HttpRequest) -> list[str]:
    """Return If-None-Match, which is compared weakly (RFC 9110, section 13.1.2)."""
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
