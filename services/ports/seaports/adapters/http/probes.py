"""The store's part of the answer of `/ready`."""

from collections.abc import Mapping

from ninja import Router
from pydantic import Field
from service.django import probes

from seaports.application.use_cases import UseCases
from seaports.domain.errors import StoreUnavailable


class Ready(probes.Ready):
    """This instance takes requests."""

    ports: int | None = Field(description="null while the store does not answer.")
    revision: int | None = Field(description="null while the store does not answer.")


def router(use_cases: UseCases) -> Router:
    """Return the probes' routes."""

    def store() -> Mapping[str, object]:
        return use_cases.check_store()._asdict()

    return probes.router({"store": store}, away=StoreUnavailable, ready_schema=Ready)
