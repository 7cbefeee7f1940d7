"""All paths of the service."""

import telemetry.django
from django.urls import path

from ${{ values.package }} import bootstrap
from ${{ values.package }}.adapters.http import api as http
from ${{ values.package }}.adapters.http import problems

api = bootstrap.api()
telemetry.django.declare_routes(http.ROUTES)

urlpatterns = [
    path("", api.urls),
    path("metrics", telemetry.django.metrics_view),
]
handler404 = problems.not_found
