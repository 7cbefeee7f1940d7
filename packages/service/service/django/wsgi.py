"""Django's WSGI application, with the client's address and the request's arrival time."""

import re
import time
from typing import TYPE_CHECKING, Any, Final

import telemetry
from telemetry import context, names

from service import proxies

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIHandler

__all__ = ["get_wsgi_application"]

_log = telemetry.get_logger(__name__)

_BOUNDARY: Final = re.compile(
    r""";[ \t]*(boundary=(?:[\w!#$%&'*+.^`|~-]+|"[\w'()+,./:=? -]+"))""", re.ASCII | re.IGNORECASE
)


def get_wsgi_application() -> "WSGIHandler":
    """Return Django's WSGI application; it corrects three values of each request.

    - REMOTE_ADDR is the client's address, from the header of a trusted proxy.
    - The request's arrival is the time at which it reached the first trusted proxy.
    - Content-Type has no parameters except the boundary of multipart content. Django decodes the
      query with the charset of the Content-Type, so `charset=hex` would end in a 500. Queries (RFC
      3986, section 2.5) and JSON (RFC 8259, section 8.1) are UTF-8.

    Raises:
        SystemExit: A system check fails, for example on an invalid setting; one log line says why.
    """
    import django
    from django.core.checks import Error, run_checks
    from django.core.handlers.wsgi import WSGIHandler

    class Application(WSGIHandler):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            peer = environ.get("REMOTE_ADDR", "")
            if stamp := environ.get("HTTP_X_REQUEST_START"):
                arrived = context.arrived_at.get()
                now = time.monotonic() if arrived is None else arrived
                context.arrived_at.set(now - proxies.waited(stamp, peer))
            if forwarded_for := environ.get("HTTP_X_FORWARDED_FOR"):
                environ["REMOTE_ADDR"] = proxies.client(peer, forwarded_for)
            if ";" in environ.get("CONTENT_TYPE", ""):
                environ["CONTENT_TYPE"] = _without_parameters(environ["CONTENT_TYPE"])
            return super().__call__(environ, start_response)

    django.setup(set_prefix=False)
    if wrong := [message for message in run_checks() if isinstance(message, Error)]:
        reason = "; ".join(f"{message.msg} ({_remark(message.hint)})" for message in wrong)
        _log.critical(names.START_REFUSED_EVENT, reason=reason)
        raise SystemExit(1)
    return Application()


def _remark(hint: str | None) -> str:
    """Return the first sentence of a hint, as it stands in parentheses."""
    sentence = re.split(r"\.(?:\s|$)", hint or "", maxsplit=1)[0]
    is_word = sentence[1:2].islower()
    return sentence[:1].lower() + sentence[1:] if is_word else sentence


def _without_parameters(content_type: str) -> str:
    media_type, _, _ = content_type.partition(";")
    boundary = _BOUNDARY.search(content_type)
    is_multipart = media_type.lower().startswith("multipart/")
    return f"{media_type}; {boundary[1]}" if boundary and is_multipart else media_type
