"""The OpenAPI document that the catalog shows."""

import json

from tests.service import FOLDER, Service


def test_the_committed_document_is_the_one_that_is_served(memory_service: Service) -> None:
    served = memory_service.client.get("/openapi.json").json()
    assert json.loads((FOLDER / "openapi.json").read_text()) == served
