"""The service as a process beside a stand-in for `${{ values.calls }}`."""

from contextlib import ExitStack
from pathlib import Path

from tests import service
from tests.support.answers import answering

NAME = "${{ values.name }}"
PATH = f"/{NAME}/${{ values.calls }}/a"


def test_names_come_from_the_other_service_and_requests_get_503_without_it(tmp_path: Path) -> None:
    with ExitStack() as other:
        url = other.enter_context(answering('{"name": "Theirs"}'))
        settings = {"${{ values.prefix }}_${{ values.callsPrefix }}_URL": url}
        with service.running(tmp_path, name=NAME, **settings) as running:
            assert running.client.get(PATH).json() == {"name": "Theirs"}
            other.close()
            refused = running.client.get(PATH)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.json()["detail"] == "${{ values.calls }} has no answer now"
