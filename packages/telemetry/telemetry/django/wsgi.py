"""The WSGI application: Django's, with a Content-Type that cannot make it fail."""

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from django.core.handlers.wsgi import WSGIHandler

_BOUNDARY: Final = re.compile(
    r""";[ \t]*(boundary=(?:[\w!#$%&'*+.^`|~-]+|"[\w'()+,./:=? -]+"))""", re.ASCII | re.IGNORECASE
)


def get_wsgi_application() -> "WSGIHandler":
    """Return Django's WSGI application; of a Content-Type it is told the media type alone.

    Django decodes a request's query by the charset of its Content-Type, before any middleware
    could answer what goes wrong: `charset=hex` ends in a 500. A query is UTF-8 (RFC 3986, section
    2.5), and so is JSON (RFC 8259, section 8.1). The boundary of multipart content stays.
    """
    import django
    from django.core.handlers.wsgi import WSGIHandler

    class Application(WSGIHandler):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
            if ";" in environ.get("CONTENT_TYPE", ""):
                environ["CONTENT_TYPE"] = _without_parameters(environ["CONTENT_TYPE"])
            return super().__call__(environ, start_response)

    django.setup(set_prefix=False)
    return Application()


def _without_parameters(content_type: str) -> str:
    media_type, _, _ = content_type.partition(";")
    boundary = _BOUNDARY.search(content_type)
    is_multipart = media_type.lower().startswith("multipart/")
    return f"{media_type}; {boundary[1]}" if boundary and is_multipart else media_type
