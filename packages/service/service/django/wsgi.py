"""The WSGI application: Django's, told who the client is and when its request set out."""

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
    """Return Django's WSGI application, with three things put right before anything reads them.

    REMOTE_ADDR is the client as trusted proxies tell it, and the request has been waiting since it
    came to the first of them. Of a Content-Type the application is told the media type alone.

    Django decodes a request's query by the charset of its Content-Type, before any middleware
    could answer what goes wrong: `charset=hex` ends in a 500. A query is UTF-8 (RFC 3986, section
    2.5), and so is JSON (RFC 8259, section 8.1). The boundary of multipart content stays.

    Raises:
        SystemExit: A system check finds an error, as a setting that is wrong; one line of the log
            says which.
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
        reason = "; ".join(f"{message.msg} ({message.hint})" for message in wrong)
        _log.critical(names.START_REFUSED_EVENT, reason=reason)
        raise SystemExit(1)
    return Application()


def _without_parameters(content_type: str) -> str:
    media_type, _, _ = content_type.partition(";")
    boundary = _BOUNDARY.search(content_type)
    is_multipart = media_type.lower().startswith("multipart/")
    return f"{media_type}; {boundary[1]}" if boundary and is_multipart else media_type
