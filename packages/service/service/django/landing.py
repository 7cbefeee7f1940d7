"""`GET /`: what the service is and where to go, as JSON or as a page for browsers."""

import re
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any, Final

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from ninja import Schema
from pydantic import Field
from telemetry.names import PROBE_ROUTES

from service.django.api import Api
from service.django.conditional import REVALIDATE, etag_of, unchanged
from service.django.docs import protect
from service.django.negotiation import negotiated
from service.django.problems import PROBLEMS, Problem

__all__ = ["TEMPLATE", "add_landing"]

TEMPLATE: Final = "service/landing.html"
"""The page of a service that has none of its own; a service's own page extends this template."""

JSON: Final = "application/json"
HTML: Final = "text/html"
# The first one is what a client without preference gets, such as curl.
_OFFERED: Final = (JSON, HTML)
_INLINE: Final = re.compile(r"<(style|script)>(.*?)</\1>", re.DOTALL)


class Index(Schema):
    """Name, description and links of the service."""

    service: str
    title: str
    description: str
    links: dict[str, str] = Field(description="Addresses by name. A path is one of this service.")


def add_landing(api: Api, template: str) -> None:
    """Add `GET /` to the API.

    The page holds nothing that a client sends and nothing that changes: it is rendered once, at the
    first request for it.

    Args:
        api: The API, with all its other routes.
        template: Name of the page's template. It gets `title`, `description` and `links`: pairs of
            a text and an address. Its styles and scripts stand in the page, in `<style>` and
            `<script>` without attributes; nothing else runs, and only this service is asked.
    """
    bodies: dict[str, Callable[[], bytes]] = {
        JSON: cache(lambda: orjson.dumps(_index(api))),
        HTML: cache(lambda: _page(api, template).encode()),
    }

    @api.get(
        "/",
        response={200: Index, 304: None, frozenset({406, 412}): Problem, **PROBLEMS},
        operation_id="index",
        summary="What this service is",
        tags=["about"],
        openapi_extra={"responses": {200: {"content": {HTML: {"schema": {"type": "string"}}}}}},
    )
    def index(request: HttpRequest) -> HttpResponseBase:
        """Links to everything else: as JSON, or as a page where a client prefers `text/html`."""
        media_type = negotiated(request, _OFFERED)
        body = bodies[media_type]()
        etag = etag_of(body)
        response = unchanged(request, etag)
        if response is None:
            response = HttpResponse(
                body,
                content_type=JSON if media_type == JSON else f"{HTML}; charset=utf-8",
                headers={"ETag": etag, "Cache-Control": REVALIDATE},
            )
            if media_type == HTML:
                protect(response, _policy(body.decode()))
        response["Vary"] = "Accept"
        return response


def _readable(api: Api) -> dict[str, dict[str, Any]]:
    """Return the operations that can be read without knowing an id, by their path."""
    paths: dict[str, Any] = orjson.loads(api.openapi)["paths"]
    return {
        path: operations["get"]
        for path, operations in paths.items()
        if "get" in operations and "{" not in path and path != "/"
    }


def _index(api: Api) -> dict[str, object]:
    links = {"docs": "/docs", "openapi": "/openapi.json"}
    links |= {path.removeprefix("/"): path for path in _readable(api)}
    if settings.ENVIRONMENT.REPOSITORY_URL:
        links["repository"] = settings.ENVIRONMENT.REPOSITORY_URL
    return {
        "service": settings.SERVICE,
        "title": api.title,
        "description": api.description,
        "links": links,
    }


def _page(api: Api, template: str) -> str:
    links = [("Try the API", "/docs"), ("OpenAPI document", "/openapi.json")]
    links += [
        (operation["summary"], path)
        for path, operation in _readable(api).items()
        if path not in PROBE_ROUTES
    ]
    if settings.ENVIRONMENT.REPOSITORY_URL:
        links.append(("Source code", settings.ENVIRONMENT.REPOSITORY_URL))
    return render_to_string(
        template, {"title": api.title, "description": api.description, "links": links}
    )


def _policy(page: str) -> str:
    """Allow the page's own styles and scripts, by their hashes, and questions to this service."""
    allowed: dict[str, list[str]] = {"style": [], "script": []}
    for kind, text in _INLINE.findall(page):
        digest = b64encode(sha256(text.encode()).digest()).decode()
        allowed[kind].append(f"'sha256-{digest}'")
    sources = "; ".join(
        f"{kind}-src {' '.join(hashes)}" for kind, hashes in allowed.items() if hashes
    )
    return (
        f"default-src 'none'; {sources}; img-src data:; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
