"""Secrets that got into telemetry by mistake stop at the gateway: no backend's disk has them."""

from pathlib import Path

import pytest
from stack.stack import Stack

from tests.e2e.backends import Backends, eventually
from tests.e2e.sender import Probe, now, write_log

BEARER = "s3cr3tBearerValue123456"
BASIC = "dXNlcjpwYXNzd29yZDEyMw"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlc2VjcmV0"
MAIL = "ada.lovelace@ports.example"
COOKIE = "sessionid5ecret98765"
QUERY = "qu3rysecret4711"
PASSWORD = "hunter2hunter2"  # noqa: S105 - planted
URL_PASSWORD = "urlpassw0rd99"  # noqa: S105 - planted
SECRETS = (BEARER, BASIC, JWT, MAIL, COOKIE, QUERY, PASSWORD, URL_PASSWORD)
BACKENDS = ("jaeger", "loki", "prometheus", "gateway")


def holds(folder: Path, text: str) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in sorted(folder.rglob("*"))
        if file.is_file() and text.encode() in file.read_bytes()
    ]


@pytest.fixture(scope="module")
def planted(pipeline: Stack, backends: Backends, probe: Probe) -> Stack:
    """Plant the secrets, see that what carried them arrived, and stop: all is on disk then."""
    trace_id = probe.trace(
        f"GET /marker-of-the-trace?q={QUERY}",
        {
            "http.request.header.authorization": f"Bearer {BEARER}",
            "http.request.header.cookie": COOKIE,
            "url.query": f"token={QUERY}",
            "url.full": f"http://localhost/ports?q={QUERY}",
            "url.path": "/ports",
            "note": f"mail to {MAIL}, {JWT}, Basic {BASIC}",
            "db.connection": f"postgresql://user:{URL_PASSWORD}@localhost/ports",
        },
        event=f"password={PASSWORD} of {MAIL} at /ports?{QUERY}",
        error=f"Error at postgresql://user:{URL_PASSWORD}@db/ports, Cookie: a=b; c={COOKIE}",
    )
    write_log(
        pipeline.site.pods,
        "secrets",
        {
            "timestamp": now(),
            "level": "info",
            "service": "secrets",
            "event": f"marker-of-the-log Authorization: Bearer {BEARER} {MAIL}",
            "authorization": f"Basic {BASIC}",
            "cookie": COOKIE,
            "url": f"/ports?q={QUERY}&country=x",
            "password": PASSWORD,
            "nested": {
                "headers": {"x-api-key": PASSWORD, "note": JWT, "cookie": f"a=b; c={COOKIE}"}
            },
            "request": {"url": f"/ports?q={QUERY}", "Authorization": BEARER, "token": BASIC},
            "database": f"postgresql://user:{URL_PASSWORD}@localhost/ports",
        },
        f"marker-of-the-plain-line password={PASSWORD} token={BEARER} {JWT} {MAIL}"
        f" GET /ports?q={QUERY}",
    )
    eventually(lambda: backends.spans(trace_id))
    eventually(lambda: len(backends.logs('{k8s_namespace_name="local"} |= "marker-of"')) == 2)
    pipeline.stop()
    return pipeline


@pytest.mark.parametrize(
    ("backend", "marker"),
    [("jaeger", "marker-of-the-trace"), ("loki", "marker-of-the-log")],
)
def test_the_data_around_the_secrets_is_on_disk(planted: Stack, backend: str, marker: str) -> None:
    assert holds(planted.site.data / backend, marker)


@pytest.mark.parametrize("secret", SECRETS)
def test_no_backend_stores_a_planted_secret(planted: Stack, secret: str) -> None:
    found = {name: holds(planted.site.data / name, secret) for name in BACKENDS}
    assert found == {name: [] for name in BACKENDS}
