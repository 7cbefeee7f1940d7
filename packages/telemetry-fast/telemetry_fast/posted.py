"""A session of `requests` that keeps what is posted, and sends nothing."""

from typing import Any

import requests
from requests.adapters import BaseAdapter


class _Kept(BaseAdapter):
    """Keeps what is posted, and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Keep a body."""
        self.bodies.append(request.body if isinstance(request.body, bytes) else b"")
        response = requests.Response()
        response.status_code = 200
        response.request = request
        return response

    def close(self) -> None:
        """Do nothing: nothing is open."""


def session() -> tuple[list[bytes], requests.Session]:
    """Return the list of what will be posted, and the session."""
    kept, made = _Kept(), requests.Session()
    made.mount("http://", kept)
    return kept.bodies, made
