"""The service `${{ values.calls }}`."""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

import httpx
from telemetry.client import http_client

from ${{ values.package }}.domain.item import Unavailable

# The second one where the text cannot be an id there.
NOT_THERE: Final = (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)


class Client:
    """A client of `${{ values.calls }}`."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        """Take the address; a connection is made at the first call.

        Args:
            url: As `http://localhost:8080`.
            transport: What sends requests; httpx's own by default.
        """
        self._client = http_client(url, transport=transport)

    def name(self, its_id: str) -> str | None:
        """Return the name of what has this id there, or None if nothing has.

        Raises:
            Unavailable: The service does not answer, or answers with another error.
        """
        try:
            response = self._client.get(f"/${{ values.calls }}/{quote(its_id, safe='')}")
            if response.status_code in NOT_THERE:
                return None
            return str(response.raise_for_status().json()["name"])
        except httpx.HTTPError as error:
            raise Unavailable("${{ values.calls }} has no answer now") from error
