"""The proxies whose forwarding headers are trusted, and the content of these headers."""

import time
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

# A proxy gives up on a request sooner than this; a longer wait is a wrong clock.
MAX_PROXY_SECONDS: Final = 60.0
_REMEMBERED: Final = 4096
_MAPPED: Final = 96  # bits before the IPv4 address in ::ffff:192.0.2.1 (RFC 4291, section 2.5.5.2)

_Network = IPv4Network | IPv6Network


class _Trusted:
    everybody = False
    networks: tuple[_Network, ...] = ()


def trust(proxies: str) -> str:
    """Say whose X-Forwarded-* and X-Request-Start are believed.

    Args:
        proxies: IP addresses and networks, separated by commas; ``*`` for everybody.

    Returns:
        The same as gunicorn's ``forwarded_allow_ips`` takes it. A listener on ``::`` sees the
        address of an IPv4 client mapped into IPv6, so each IPv4 network stands there twice.

    Raises:
        ValueError: A part is no address and no network; the message names the part.
    """
    parts = [part.strip() for part in proxies.split(",") if part.strip()]
    networks = [network for part in parts if part != "*" for network in _networks(part)]
    _Trusted.everybody, _Trusted.networks = "*" in parts, tuple(networks)
    is_trusted.cache_clear()
    return ",".join((["*"] if _Trusted.everybody else []) + [str(each) for each in networks])


def _networks(part: str) -> list[_Network]:
    try:
        network = ip_network(part)
    except ValueError as error:
        raise ValueError(f"{part}: not an IP address or a network ({error})") from None
    if isinstance(network, IPv6Network):
        return [network]
    bits = network.prefixlen + _MAPPED
    return [network, IPv6Network(f"::ffff:{network.network_address}/{bits}")]


@lru_cache(maxsize=_REMEMBERED)
def is_trusted(address: str) -> bool:
    """Say whether what an address says of others is believed."""
    if _Trusted.everybody:
        return True
    try:
        found = ip_address(address)
    except ValueError:  # a socket of the file system has no address
        return False
    return any(found in network for network in _Trusted.networks)


def client(peer: str, forwarded_for: str) -> str:
    """Return the address of the client that a request comes from.

    Args:
        peer: Address that the connection came from.
        forwarded_for: The request's X-Forwarded-For, or empty.

    Returns:
        From the right, the first address that is no trusted proxy's; what stands left of it
        anybody may have written. The peer's own where it is not trusted.
    """
    address = peer
    if forwarded_for and is_trusted(peer):
        for hop in map(_address, reversed(forwarded_for.split(","))):
            if hop is None:
                break
            address = hop
            if not is_trusted(hop):
                break
    return address


def _address(hop: str) -> str | None:
    """Return the address of ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1``, ``[2001:db8::1]:80``.

    None for anything else.
    """
    text = hop.strip(" \t")
    for form in (text, text.strip("[]"), text.rpartition(":")[0].strip("[]")):
        try:
            return None if "%" in form else str(ip_address(form))
        except ValueError:
            continue
    return None


def waited(stamp: str, peer: str) -> float:
    """Return how long a request waited before it came here, by a proxy's X-Request-Start.

    Args:
        stamp: ``t=`` and a Unix time in seconds, milliseconds or microseconds, as nginx, Heroku
            and HAProxy write it; the ``t=`` may be missing.
        peer: Address that the connection came from.

    Returns:
        Seconds; 0 if the peer is not trusted, or the stamp is no number, in our future, or more
        than MAX_PROXY_SECONDS ago.
    """
    if not is_trusted(peer):
        return 0.0
    try:
        number = float(stamp.strip().removeprefix("t="))
    except ValueError:
        return 0.0
    for unit in (1.0, 1e3, 1e6):
        seconds = time.time() - number / unit
        if 0.0 <= seconds <= MAX_PROXY_SECONDS:
            return seconds
    return 0.0
