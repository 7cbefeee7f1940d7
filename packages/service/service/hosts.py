"""The server that a request names: the Host field, and the authority of an absolute target."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

# A name as DNS has them, or an IP address, and a port (RFC 3986, section 3.2.2, and RFC 1123,
# section 2.1). Django's get_host() takes the same, so an application never refuses what is taken.
_HOST: Final = re.compile(
    r"(?!\.(?::|\Z))(?:[a-z0-9.-]+|\[[a-f0-9]*:[a-f0-9.:]+\])(?::[0-9]+)?", re.ASCII | re.IGNORECASE
)
_ABSOLUTE: Final = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)
_NAMES: Final = 256
HTTP_1_1: Final = (1, 1)


@lru_cache(maxsize=_NAMES)
def is_host(text: str) -> bool:
    """Say whether a text is a host with or without a port, as clients may send it."""
    return _HOST.fullmatch(text) is not None


def refusal(target: str, hosts: Iterable[str], version: tuple[int, int]) -> str | None:
    """Return why a request names no server, or None where it does.

    RFC 9112, section 3.2: HTTP/1.1 has one Host field, and a valid one. RFC 9110, section 4.2.1 and
    4.2.4: the authority of an absolute target has a host, and no user.

    Args:
        target: The request target as sent.
        hosts: The values of the Host fields.
        version: Major and minor version of HTTP.
    """
    given = list(hosts)
    if len(given) > 1 or (not given and version >= HTTP_1_1):
        return f"the request has {len(given)} Host fields"
    if given and not is_host(given[0]):
        return "the Host field is no DNS name or IP address"
    if not target.startswith("/") and "://" in target:
        named = _ABSOLUTE.match(target)
        if named is None or not is_host(named[1]):
            return "the request target names no server"
    return None
