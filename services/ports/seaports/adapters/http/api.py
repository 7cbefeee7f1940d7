"""The API: its routes over the use cases."""

import hmac

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.security import HttpBearer
from service.django.api import Api

from seaports.adapters.http import probes
from seaports.adapters.http.problems import ERRORS
from seaports.adapters.http.reading import add_reading
from seaports.adapters.http.writing import add_writing
from seaports.application.use_cases import UseCases


class WriteToken(HttpBearer):
    """The bearer token that may change ports."""

    def __init__(self, token: str) -> None:
        """Take the token that is right."""
        super().__init__()
        self._token = token.encode()

    def authenticate(self, request: HttpRequest, token: str) -> bool:  # noqa: ARG002 - Ninja's signature
        """Tell whether the client's token is the right one, in constant time."""
        return hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token)


class PortsApi(Api):
    """The API of views that make their responses themselves."""

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        """Make no response for a view to fill in: each of ours answers with one of its own.

        Making one that nobody uses cost a tenth of a small request.
        """
        return None  # type: ignore[return-value] # a view that needs it fails in its first test


def build_api(use_cases: UseCases, write_token: str | None) -> Api:
    """Route to the use cases; without a token the routes that write are left out."""
    api = PortsApi(
        title="Ports",
        description="The world's seaports by UN/LOCODE.",
        namespace="ports",
        errors=ERRORS,
    )
    # One router for all methods of a path: Ninja asks the first one that knows the path.
    ports = Router(tags=["ports"])
    add_reading(ports, use_cases)
    if write_token is not None:
        add_writing(ports, use_cases, WriteToken(write_token))
    api.add_router("", ports)
    api.add_router("", probes.router(use_cases))
    return api
