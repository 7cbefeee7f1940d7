"""What the routes answer with."""

from typing import Any, Final

from django.http import HttpResponse

from seaports.adapters.http.conditional import REVALIDATE
from seaports.adapters.http.schemas import Problem

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
PROBLEMS: Final[dict[Any, Any]] = {
    frozenset({400, 404, 406, 411, 412, 414, 422, 500, 503}): Problem,
}
"""What any route of ports may answer beside its own."""


def json_response(content: bytes, etag: str) -> HttpResponse:
    """Return prepared JSON with its entity tag."""
    return HttpResponse(
        content, content_type=JSON, headers={"ETag": etag, "Cache-Control": REVALIDATE}
    )
