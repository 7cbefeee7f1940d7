import gc
import weakref
from types import SimpleNamespace

from django.http import HttpResponse
from django.test import RequestFactory
from telemetry import context
from telemetry.django.middleware import Middleware


def test_a_request_frees_its_objects_without_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        request = RequestFactory().get("/ports/AEAJM")
        request.resolver_match = SimpleNamespace(route="/ports/{id}")  # type: ignore[assignment]
        request_is = weakref.ref(request)
        response = Middleware(lambda _: HttpResponse(b"{}"))(request)
        context.end()
        del request
        assert response.status_code == 200
        assert request_is() is None
    finally:
        gc.enable()
