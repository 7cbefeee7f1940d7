"""The OpenAPI document and a page to try the API, which loads nothing from other servers."""

from pathlib import Path

import ninja
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET
from django.views.static import serve
from ninja import NinjaAPI, Swagger

from service.django.api import Api
from service.django.conditional import etag_of, json_response, unchanged

_STATIC = Path(ninja.__file__).parent / "static"
_FILES = frozenset(
    file.relative_to(_STATIC).as_posix() for file in _STATIC.rglob("*") if file.is_file()
)


# The page runs its own scripts alone, and asks this service alone.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class _Page(Swagger):
    def get_openapi_url(self, api: NinjaAPI, path_params: dict[str, object]) -> str:  # noqa: ARG002
        return "/openapi.json"


def add_docs(api: Api) -> None:
    """Add the routes of the API's description to the API itself."""
    page = _Page()

    @api.get("/openapi.json", include_in_schema=False)
    def openapi(request: HttpRequest) -> HttpResponseBase:
        etag = etag_of(api.openapi)
        return unchanged(request, etag) or json_response(api.openapi, etag)

    @api.get("/docs", include_in_schema=False)
    def docs(request: HttpRequest) -> HttpResponse:
        return protect(page.render_page(request, api), _POLICY)


def protect(page: HttpResponse, policy: str) -> HttpResponse:
    """Return a page with the headers that keep others from framing or feeding it.

    Args:
        page: The page.
        policy: Its Content-Security-Policy.
    """
    page["X-Frame-Options"] = "DENY"
    page["Content-Security-Policy"] = policy
    page["Referrer-Policy"] = "no-referrer"
    return page


def static_path(static_url: str) -> URLPattern:
    """Return the path of the page's scripts, which come with Ninja."""
    return path(f"{static_url.lstrip('/')}<path:name>", _static)


@require_GET
def _static(request: HttpRequest, name: str) -> HttpResponseBase:
    # The files are few and known. Any other name stays away from the file system, to which it may
    # be too long.
    if name not in _FILES:
        raise Http404
    return serve(request, name, document_root=str(_STATIC))
