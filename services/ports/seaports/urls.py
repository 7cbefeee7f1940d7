"""All paths of the service."""

from service.django.urls import urlconf

from seaports import settings
from seaports.adapters.http.api import build_api
from seaports.bootstrap import use_cases

_token = settings.ENVIRONMENT.PORTS_WRITE_TOKEN
api = build_api(use_cases(), None if _token is None else _token.get_secret_value())
globals().update(urlconf(api, template="seaports/landing.html"))
