import httpx
import pytest
from ${{ values.package }}.adapters.clients.${{ values.callsPackage }} import Client
from ${{ values.package }}.domain.item import Unavailable


def client(status: int, body: object = None) -> Client:
    """Return a client of a service that always answers the same."""
    answer = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return Client("http://elsewhere:8080", answer)


def test_a_name_is_taken_from_the_answer() -> None:
    assert client(200, {"name": "Theirs"}).name("a") == "Theirs"


@pytest.mark.parametrize("status", [404, 422])
def test_what_is_not_there_has_no_name(status: int) -> None:
    assert client(status).name("../a b") is None


@pytest.mark.parametrize("status", [403, 500])
def test_another_error_is_told_as_unavailable(status: int) -> None:
    with pytest.raises(Unavailable, match="has no answer now"):
        client(status).name("a")
