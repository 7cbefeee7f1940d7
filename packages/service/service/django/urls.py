"""All paths of a service."""

from typing import Any

import telemetry.django
from django.conf import settings
from django.urls import path

from service.django import docs, problems
from service.django.api import Api

__all__ = ["urlconf"]


def urlconf(api: Api) -> dict[str, Any]:
    """Return a URL configuration, for ``globals().update(urlconf(api))`` in a urls module.

    It has the API with its documentation, and `/metrics`. The series of all routes exist from now
    on: no route is added later.
    """
    docs.add_docs(api)
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
