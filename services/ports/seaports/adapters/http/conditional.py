"""Writes that depend on the current port (RFC 9110, section 13)."""

from django.http import HttpRequest
from service.django.conditional import etag_of, if_match, if_none_match

from seaports.application.interfaces import Document, Precondition
from seaports.domain.errors import PreconditionFailed


def precondition(request: HttpRequest) -> Precondition:
    """Return the check of a port's current document that If-Match and If-None-Match ask for.

    `If-Match: "tag"` holds while the port is that one, `If-Match: *` while there is any,
    `If-None-Match: *` while there is none.

    Raises:
        HttpError: 400, a header is malformed; to ignore it would be to write unconditionally.
    """
    match = if_match(request)
    none_match = if_none_match(request)

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
