"""The view that Prometheus scrapes."""

from typing import TYPE_CHECKING

from telemetry import exposition

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_METHODS = ("GET", "HEAD")


def metrics_view(request: "HttpRequest") -> "HttpResponse":
    """Answer a scrape, in OpenMetrics when the Accept header asks for it; GET and HEAD alone."""
    from django.http import HttpResponse, HttpResponseNotAllowed

    if request.method not in _METHODS:
        return HttpResponseNotAllowed(_METHODS)
    content_type, body = exposition.render(request.headers.get("Accept", ""))
    return HttpResponse(body, content_type=content_type)
