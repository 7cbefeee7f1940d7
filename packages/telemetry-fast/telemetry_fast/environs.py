"""The WSGI environment of a request: gunicorn's, made once per connection where possible."""

from functools import lru_cache
from typing import Any, Final

from gunicorn import util
from gunicorn.http import wsgi

from telemetry_fast.responses import Response

_NAMES: Final = 1024
# Entries that all requests of a connection share, unless one of their fields says otherwise.
_COMMON: Final = (
    "wsgi.errors",
    "wsgi.version",
    "wsgi.multithread",
    "wsgi.multiprocess",
    "wsgi.run_once",
    "wsgi.file_wrapper",
    "wsgi.input_terminated",
    "SERVER_SOFTWARE",
    "gunicorn.socket",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "SERVER_NAME",
    "SERVER_PORT",
    "SCRIPT_NAME",
)


@lru_cache(maxsize=_NAMES)
def _key(name: str) -> str:
    key = name.replace("-", "_")
    return key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"


def create(req: Any, conn: Any, cfg: Any) -> tuple[Response, dict[str, Any]]:
    """Return the response to fill, and the WSGI environment of the request.

    The first environment of a connection is gunicorn's; the next ones take over what stays.

    Raises:
        ConfigurationProblem: The path does not begin as the configuration says.
    """
    if conn.common is None or not req.is_plain:
        response, environ = wsgi.create(
            req, conn.sock, conn.client, conn.server, cfg, response_class=Response
        )
        environ["wsgi.multithread"] = True
        # On a socket of the file system each request's Host names the server.
        if req.is_plain and isinstance(conn.client, tuple) and not environ["SCRIPT_NAME"]:
            conn.common = {key: environ[key] for key in _COMMON}
        return response, environ
    response = Response(req, conn.sock, cfg)
    path = req.path
    environ = {
        **conn.common,
        "wsgi.input": req.body,
        "wsgi.url_scheme": req.scheme,
        "wsgi.early_hints": wsgi._make_early_hints_callback(  # noqa: SLF001 -- as gunicorn does
            req, conn.sock, response
        ),
        "REQUEST_METHOD": req.method,
        "QUERY_STRING": req.query,
        "RAW_URI": req.uri,
        "PATH_INFO": util.unquote_to_wsgi_str(path) if "%" in path else path,
        "SERVER_PROTOCOL": "HTTP/1.1" if req.version == (1, 1) else "HTTP/1.0",
    }
    for name, value in req.headers:
        key = _key(name)
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return response, environ
