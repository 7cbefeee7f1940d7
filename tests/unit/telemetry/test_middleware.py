import gc
import weakref
from types import SimpleNamespace

from django.http import HttpResponse
from django.test import RequestFactory
from telemetry import context
from telemetry.django.middleware import Middleware


def test_what_a_request_made_is_gone_with_it_and_waits_for_no_collector() -> None:
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
