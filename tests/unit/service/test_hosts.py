import pytest
from django.http import HttpRequest
from django.test import override_settings
from hypothesis import example, given
from hypothesis import strategies as st
from service import hosts

from tests.support.thorough import examples

VALID = [
    "x",
    "X.example",
    "x:80",
    "x.",
    "a-b:0",
    "127.0.0.1:8080",
    "[::1]",
    "[::1]:80",
    "[::1.2.3.4]",
]
INVALID = [
    *("", ".", ".:80", "x:", "x:y", "x:80:80", "[::1", "::1", "[x]", "a b", "x\n", "x,y", "a_b"),
    *("user:pw@x", "x/y", "x?y", "x#y", "x\\y", "%00", "%41", "\xe9", "\u0661", "x:\u0661", "*"),
]


@pytest.mark.parametrize("text", VALID)
def test_a_dns_name_or_an_ip_address_is_a_host(text: str) -> None:
    assert hosts.is_host(text)


@pytest.mark.parametrize("text", INVALID)
def test_nothing_else_is_a_host(text: str) -> None:
    assert not hosts.is_host(text)


@examples(800)
@given(st.one_of(st.text("ax.:-[]09_", max_size=8), st.text(max_size=6)))
@example("..")
@example("x:99999")
def test_django_accepts_every_host_that_the_server_accepts(text: str) -> None:
    request = HttpRequest()
    request.META = {"HTTP_HOST": text, "SERVER_NAME": "x", "SERVER_PORT": "80"}
    with override_settings(ALLOWED_HOSTS=["*"]):
        try:
            taken = bool(request.get_host())
        except Exception:  # noqa: BLE001 -- whatever it does not like
            taken = False
    assert hosts.is_host(text) == taken


@pytest.mark.parametrize(
    ("target", "given", "version", "why"),
    [
        ("/", ["x"], (1, 1), None),
        ("/", [], (1, 0), None),
        ("/", [], (1, 1), "the request has 0 Host fields"),
        ("/", ["x", "x"], (1, 1), "the request has 2 Host fields"),
        ("/", ["a b"], (1, 0), "the Host field is no DNS name or IP address"),
        ("http://x/ports", ["y"], (1, 1), None),
        ("HTTPS://x:443", ["y"], (1, 1), None),
        ("http://x/", [], (1, 1), "the request has 0 Host fields"),
        ("http:///ports", ["x"], (1, 1), "the request target names no server"),
        ("http://u@x/ports", ["x"], (1, 1), "the request target names no server"),
        ("ftp://x/ports", ["x"], (1, 1), "the request target names no server"),
        ("/ports?next=ftp://x", ["x"], (1, 1), None),
        ("*", ["x"], (1, 1), None),
        ("x:80", ["x:80"], (1, 1), None),
    ],
)
def test_a_request_names_the_server_that_it_is_for(
    target: str, given: list[str], version: tuple[int, int], why: str | None
) -> None:
    assert hosts.refusal(target, given, version) == why
