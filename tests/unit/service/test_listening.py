import resource
import socket

import pytest
from service.gunicorn import listening

from tests.service import free_port


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])  # noqa: S104
def test_addresses_of_this_machine_are_taken(host: str) -> None:
    assert listening.listening_host(host) == host
    assert listening.netloc(host, 80) == f"{host}:80"


@pytest.mark.parametrize(("there", "found"), [("127.0.0.1", "127.0.0.1"), ("::1", "::1")])
def test_localhost_is_the_loopback_address_that_there_is(
    monkeypatch: pytest.MonkeyPatch, there: str, found: str
) -> None:
    def bind(host: str, port: int) -> None:
        if host != there:
            raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(listening, "_bind", bind)
    assert listening.listening_host("localhost") == found


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
def test_a_host_that_is_no_local_address_is_refused_with_its_value(host: str) -> None:
    with pytest.raises(ValueError, match="not an IP address of this machine") as caught:
        listening.listening_host(host)
    assert str(caught.value).startswith(f"HOST={host}: ")


def test_a_port_that_the_system_keeps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(host: str, port: int) -> None:
        raise PermissionError(host, port)

    monkeypatch.setattr(listening, "_bind", refuse)
    with pytest.raises(ValueError, match=r"^PORT=80: permission denied"):
        listening.check_port("PORT", "127.0.0.1", 80)


def test_a_port_in_use_is_named_unless_this_server_uses_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listening.check_port("PORT", "127.0.0.1", port, is_ours=True)
        with pytest.raises(ValueError, match=rf"^PORT={port}: address already in use"):
            listening.check_port("PORT", "127.0.0.1", port)


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(256, 128), (1024, 512), (2000, 1000), (1 << 20, 1000), (resource.RLIM_INFINITY, 1000)],
)
def test_half_of_the_file_descriptors_are_for_connections(
    monkeypatch: pytest.MonkeyPatch, descriptors: int, connections: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (descriptors, descriptors))
    assert listening.most_connections() == connections


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
