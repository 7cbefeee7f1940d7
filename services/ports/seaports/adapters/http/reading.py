"""Ports over HTTP: list and get."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import orjson
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from ninja import Path, Query, Router
from service.django.conditional import REVALIDATE, etag_of, json_response, unchanged
from service.django.negotiation import negotiated

from seaports.adapters.http.problems import OF_PORTS
from seaports.adapters.http.schemas import AnyCaseCode, ListQuery, PageOut, PortOut
from seaports.application.interfaces import Document, Selection
from seaports.application.use_cases import UseCases
from seaports.domain.port import unlocode

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
_STREAMED_AT_ONCE: Final = 500


def add_reading(router: Router, use_cases: UseCases) -> None:
    """Add the routes that only read."""

    @router.get(
        "/ports/{id}",
        response={200: PortOut, 304: None, **OF_PORTS},
        operation_id="get_port",
        summary="Get one port",
    )
    def get_port(request: HttpRequest, id: Path[AnyCaseCode]) -> HttpResponseBase:
        """Answers whatever the id's case."""
        document = use_cases.get_port(unlocode(id))
        etag = etag_of(document)
        return unchanged(request, etag) or json_response(document, etag)

    @router.get(
        "/ports",
        response={200: PageOut, 304: None, **OF_PORTS},
        operation_id="list_ports",
        summary="List ports",
        openapi_extra=_stream_in_openapi(),
    )
    def list_ports(request: HttpRequest, query: Query[ListQuery]) -> HttpResponseBase:
        """In the order of their ids, by pages or all in one stream.

        With `Accept: application/x-ndjson` they come as a stream, one a line. Following `next`
        yields no port twice, and each one that is there from the first page to the last.
        """
        media_type = negotiated(request, (JSON, NDJSON))
        selection = Selection(
            after=None if query.cursor is None else unlocode(query.cursor),
            country=query.country,
            q=query.q,
        )
        # The revision first, as in the stores: an entity tag may be older than what it tags, which
        # costs a download, but never newer, which would hide a change.
        wanted = repr((media_type, query.limit, selection)).encode()
        etag = etag_of(str(use_cases.revision()).encode(), wanted)
        response = unchanged(request, etag)
        if response is not None:
            pass
        elif media_type == NDJSON:
            documents = use_cases.stream_ports(selection, query.limit)
            response = StreamingHttpResponse(
                _lines(documents),
                content_type=NDJSON,
                headers={"ETag": etag, "Cache-Control": REVALIDATE},
            )
        else:
            page = use_cases.list_ports(selection, query.limit)
            etag = etag_of(str(page.revision).encode(), wanted)
            response = json_response(
                b'{"items":[%b],"next":%b}' % (b",".join(page.documents), orjson.dumps(page.next)),
                etag,
            )
            if page.next is not None:
                following = request.GET.copy()
                following["cursor"] = page.next
                response["Link"] = f'</ports?{following.urlencode()}>; rel="next"'
        response["Vary"] = "Accept"
        return response


def _lines(documents: Iterator[Document]) -> Iterator[bytes]:
    while some := list(islice(documents, _STREAMED_AT_ONCE)):
        yield b"\n".join(some) + b"\n"


def _stream_in_openapi() -> dict[str, Any]:
    stream = {NDJSON: {"schema": {"type": "string", "description": "One port a line."}}}
    return {"responses": {200: {"content": stream}}}
