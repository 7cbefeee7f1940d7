import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest
from gunicorn.config import Config
from gunicorn.http.message import HeaderPolicy
from hypothesis import assume, given
from hypothesis import strategies as st
from service import proxies


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    proxies.trust("")


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
@pytest.mark.parametrize("prefix", ["t=", ""])
def test_a_trusted_proxys_stamp_counts_as_waiting(
    unit: int, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxies.trust("10.0.0.0/24")
    monkeypatch.setattr(time, "time", lambda: 1_700_000_002.5)
    stamp = f"{prefix}{1_700_000_000 * unit}"
    assert proxies.waited(stamp, "10.0.0.1") == pytest.approx(2.5)
    assert proxies.waited(stamp, "10.0.1.1") == 0


@pytest.mark.parametrize("stamp", ["", "soon", "t=", "nan", "inf", "1700000010", "1699999900"])
def test_a_senseless_stamp_counts_as_nothing(stamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    proxies.trust("*")
    monkeypatch.setattr(time, "time", lambda: 1_700_000_002.5)
    assert proxies.waited(stamp, "10.0.0.1") == 0


@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.255.0.1", True),
        ("10.0.0.0/8", "::ffff:11.0.0.1", False),
        ("192.0.2.1, 2001:db8::/32", "2001:db8:1::1", True),
        ("192.0.2.1, 2001:db8::/32", "192.0.2.1", True),
        ("192.0.2.1, 2001:db8::/32", "192.0.2.2", False),
        ("127.0.0.1,::1", "::1", True),
        ("*", "203.0.113.9", True),
        ("", "127.0.0.1", False),
        ("10.0.0.0/8", "", False),
        ("10.0.0.0/8", "not an address", False),
    ],
)
def test_addresses_and_networks_are_trusted_alike_by_gunicorn_and_here(
    trusted: str, peer: str, expected: bool
) -> None:
    policy = HeaderPolicy()
    policy.cfg, policy.peer_addr = Config(), (peer, 1)
    policy.cfg.set("forwarded_allow_ips", proxies.trust(trusted))
    assert proxies.is_trusted(peer) == policy._peer_is_trusted_proxy() == expected


@pytest.mark.parametrize("part", ["foo", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1 10.0.0.2", "::1/x"])
def test_a_part_that_is_no_network_is_refused_by_name(part: str) -> None:
    with pytest.raises(ValueError, match="not an IP address or a network") as caught:
        proxies.trust(f"127.0.0.1,{part}")
    assert str(caught.value).startswith(part)


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "192.0.2.66,198.51.100.1 ,10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("10.0.0.1", "2001:DB8::1", "2001:db8::1"),
        ("10.0.0.1", "198.51.100.1, unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "fe80::1%<script>", "10.0.0.1"),
        ("10.0.0.1", ",,", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("", "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_last_address_that_no_trusted_proxy_has(
    peer: str, forwarded_for: str, expected: str
) -> None:
    proxies.trust("10.0.0.0/8")
    assert proxies.client(peer, forwarded_for) == expected


@given(st.text(), st.ip_addresses())
def test_forged_forwarded_addresses_do_not_change_the_client(
    forged: str, client: IPv4Address
) -> None:
    proxies.trust("10.0.0.0/8")
    assume(not proxies.is_trusted(str(client)))
    assert proxies.client("10.0.0.1", f"{forged}, {client}") == str(client)
