"""All paths of the service."""

import telemetry.django
from django.urls import path

from seaports import settings
from seaports.adapters.http import docs, problems
from seaports.adapters.http.api import PortsApi
from seaports.bootstrap import use_cases

_token = settings.ENVIRONMENT.PORTS_WRITE_TOKEN
api = PortsApi(use_cases(), None if _token is None else _token.get_secret_value())
docs.add_docs(api)
telemetry.django.declare_routes(api.routes())

urlpatterns = [
    path("", api.urls),
    path("metrics", telemetry.django.metrics_view),
    docs.static_path(settings.STATIC_URL),
]
handler400 = problems.bad_request
handler404 = problems.not_found
handler500 = problems.server_error
