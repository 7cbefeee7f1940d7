"""All paths of the service."""

from service.django.urls import urlconf

from ${{ values.package }} import bootstrap

api = bootstrap.api()
globals().update(urlconf(api))
