"""The probes `/live` and `/ready`."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Literal

import orjson
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from telemetry import shared

from service.django.problems import Problem, problem

__all__ = ["Ready", "router"]

Check = Callable[[], Mapping[str, object]]


class Unavailable(Schema):
    """A dependency that does not answer."""

    dependency: str
    detail: str


class Ready(Schema):
    """This instance takes requests."""

    status: Literal["ready", "degraded"] = Field(
        description="degraded: a dependency that all instances share does not answer. Requests "
        "that need it get 503."
    )
    unavailable: list[Unavailable]


class Live(Schema):
    """The process answers."""

    status: Literal["live"]


def router(
    dependencies: Mapping[str, Check] | None = None,
    *,
    away: type[Exception] | tuple[type[Exception], ...] = (),
    ready_schema: type[Ready] = Ready,
) -> Router:
    """Return the probes' routes.

    Args:
        dependencies: What asks each one that all instances share, by its name. It returns fields
            of the answer.
        away: What it raises where the dependency does not answer.
        ready_schema: The answer, with fields that the dependencies add; null while one is away.
    """
    asked = dependencies or {}
    unknown = dict.fromkeys(ready_schema.model_fields.keys() - Ready.model_fields.keys())
    router = Router(tags=["probes"])

    @router.get(
        "/ready",
        response={200: ready_schema, frozenset({500, 503}): Problem},
        operation_id="ready",
        summary="Whether requests are welcome",
    )
    def ready(request: HttpRequest) -> HttpResponse:
        """200 when this instance takes requests.

        503 until each dependency has answered once, and while this instance is draining. If one
        goes away later: 200 and the status `degraded`, because the others cannot do better.
        """
        if shared.is_draining():
            detail = "this instance is draining: send requests to another one"
            return problem(request, HTTPStatus.SERVICE_UNAVAILABLE, detail)
        found, unavailable = unknown.copy(), []
        for name, check in asked.items():
            try:
                found.update(check())
            except away as error:
                if not shared.has_been_ready():
                    raise
                unavailable.append({"dependency": name, "detail": str(error)})
        if not unavailable:
            shared.mark_ready()
        status = "degraded" if unavailable else "ready"
        return _json(status=status, unavailable=unavailable, **found)

    @router.get(
        "/live",
        response={200: Live, frozenset({500}): Problem},
        operation_id="live",
        summary="Whether the process answers",
    )
    def live(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Ninja's signature
        """200 whenever the process answers, while it is draining too."""
        return _json(status="live")

    return router


def _json(**fields: object) -> HttpResponse:
    return HttpResponse(orjson.dumps(fields), content_type="application/json")
