"""All paths of a service."""

from typing import Any

import telemetry.django
from django.conf import settings
from django.urls import path

from service.django import docs, landing, problems
from service.django.api import Api

__all__ = ["urlconf"]


def urlconf(api: Api, *, template: str = landing.TEMPLATE) -> dict[str, Any]:
    """Return a URL configuration, for ``globals().update(urlconf(api))`` in a urls module.

    It has the API with its documentation, the page at `/`, and `/metrics`. The series of all routes
    exist from now on: no route is added later.

    Args:
        api: The API.
        template: The template of the page at `/`, as `landing.add_landing` takes it.
    """
    docs.add_docs(api)
    landing.add_landing(api, template)
    telemetry.django.declare_routes(api.routes())
    return {
        "urlpatterns": [
            path("", api.urls),
            path("metrics", telemetry.django.metrics_view),
            docs.static_path(str(settings.STATIC_URL)),
        ],
        "handler400": problems.bad_request,
        "handler404": problems.not_found,
        "handler500": problems.server_error,
    }
