import socket

import pytest
from telemetry.gunicorn import listening

from tests.service import free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104
def test_addresses_of_this_machine_are_taken(host: str) -> None:
    assert listening.listening_host(host) == host
    assert listening.netloc(host, 80) == f"{host}:80"


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
@pytest.mark.parametrize("host", ["::1", "[::1]", "::", "[::]"])
def test_ipv6_is_taken_with_and_without_brackets(host: str) -> None:
    bare = listening.listening_host(host)
    assert bare == host.strip("[]")
    assert listening.netloc(bare, 80) == f"[{bare}]:80"


@pytest.mark.parametrize(
    "host",
    ["x86_64-conda-linux-gnu", "macbook.local", "203.0.113.7", "127.0.0.1:80", "[::", "*"],
)
def test_what_a_shell_may_have_set_is_refused_with_its_value(host: str) -> None:
    with pytest.raises(ValueError, match="not an IP address of this machine") as caught:
        listening.listening_host(host)
    assert str(caught.value).startswith(f"HOST={host}: ")


def test_a_port_that_the_system_keeps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str, port: int) -> None:
        raise PermissionError(host, port)

    monkeypatch.setattr(listening, "_bind", refuse)
    with pytest.raises(ValueError, match=r"^PORT=80: permission denied"):
        listening.check_port("PORT", "127.0.0.1", 80)


def test_a_port_in_use_is_left_to_gunicorn_which_tries_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listening.check_port("PORT", "127.0.0.1", taken.getsockname()[1])


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 here")
def test_metrics_on_every_ipv6_address_answer_ipv4_too() -> None:
    port = free_port()
    with (
        listening.metrics_listener("::", port),
        socket.create_connection(("127.0.0.1", port)),
        socket.create_connection(("::1", port)),
    ):
        pass


def test_a_metrics_port_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ValueError, match=rf"^METRICS_PORT={port}: address already in use"):
            listening.metrics_listener("127.0.0.1", port)
