"""Whether the service lives, and whether it should get requests."""

import orjson
import service
from django.http import HttpRequest, HttpResponse
from ninja import Router

from seaports.adapters.http.responses import JSON
from seaports.adapters.http.schemas import Live, Problem, Ready
from seaports.application.use_cases import UseCases
from seaports.domain.errors import StoreUnavailable


def router(use_cases: UseCases) -> Router:
    """Return the probes' routes."""
    router = Router(tags=["probes"])

    @router.get(
        "/ready",
        response={200: Ready, frozenset({500, 503}): Problem},
        operation_id="ready",
        summary="Whether requests are welcome",
    )
    def ready(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Ninja's signature
        """200 when this instance takes requests.

        503 until the store has answered once, and while this instance is about to stop. If the
        store goes away later: 200 and the status `degraded`, because cached reads are still served.
        """
        if service.is_draining():
            raise StoreUnavailable("this instance is about to stop")
        try:
            held = use_cases.check_store()
        except StoreUnavailable as error:
            if not service.has_been_ready():
                raise
            away = [{"dependency": "store", "detail": str(error)}]
            return _json(status="degraded", ports=None, revision=None, unavailable=away)
        service.mark_ready()
        return _json(status="ready", **held._asdict(), unavailable=[])

    @router.get(
        "/live",
        response={200: Live, frozenset({500}): Problem},
        operation_id="live",
        summary="Whether the process answers",
    )
    def live(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
        """200 whenever the process answers, while it is about to stop too."""
        return _json(status="live")

    return router


def _json(**fields: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(fields), content_type=JSON)
