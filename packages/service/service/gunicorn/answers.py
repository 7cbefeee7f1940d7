"""Responses of the server itself: if too many requests wait, or if a request is malformed."""

import logging
import re
import socket
import struct
import time
import traceback
from http import HTTPStatus
from typing import Any, Final

from gunicorn.http import errors
from gunicorn.http.message import Request
from telemetry import context, logs, metrics, names

from service import hosts, problem, proxies

_errors = logs.get_logger("service.gunicorn")

# Linux counts arrival times in ticks of up to 4 ms; below this the poller's own clock is better.
TICK_SECONDS: Final = 0.01
_LAST_DATA_RECV: Final = 8 + 4 * 11  # offset of tcpi_last_data_recv in struct tcp_info, in ms
MAX_HEAD: Final = 8192

_REQUEST_LINE: Final = re.compile(rb"([A-Z]{3,10}) (/[^ ?]*)[^ ]* HTTP/1")

_STATUSES: Final = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    # The path lies outside of SCRIPT_NAME in the environment.
    errors.ConfigurationProblem: HTTPStatus.NOT_FOUND,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
}


def arrival(sock: socket.socket, queued_at: float) -> float:
    """Return when the request's last bytes arrived, by the kernel, else when it was queued.

    Connections in the listener's backlog, or before a busy poller, wait too.
    """
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA_RECV + 4)
        age = struct.unpack_from("I", info, _LAST_DATA_RECV)[0] / 1000
    except (AttributeError, OSError, struct.error):  # not Linux, not TCP
        return queued_at
    arrived = time.monotonic() - age
    return arrived if queued_at - arrived > TICK_SECONDS else queued_at


class Misaddressed(errors.ParseException):  # type: ignore[misc]
    """A request does not say which server it is for."""


def check_address(req: Any) -> None:
    """Check that a request names a server, which gunicorn does not.

    Raises:
        Misaddressed: It names none, or in a form that is none.
    """
    given = (value for name, value in req.headers if name == "HOST")
    if why := hosts.refusal(req.uri, given, req.version):
        raise Misaddressed(why)


def status_of(exc: BaseException) -> HTTPStatus:
    """Return the status that answers what went wrong outside the application.

    No request that a client sends gets a 5xx, which would count as a failure of the service. So
    an unknown transfer coding gets 400, where RFC 9112, section 6.1, advises 501.
    """
    if not isinstance(exc, errors.ParseException):
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)


def peek(sock: socket.socket) -> bytes:
    """Return the start of what came and was not read yet, which stays there; b"" if nothing."""
    try:
        sock.setblocking(False)
        return sock.recv(MAX_HEAD, socket.MSG_PEEK)
    except OSError:
        return b""


def is_probe(head: bytes) -> bool:
    """Say whether a request that starts so is a probe's."""
    line = _REQUEST_LINE.match(head)
    return line is not None and line[2].decode("latin-1") in names.PROBE_ROUTES


def refuse(conn: Any) -> bool:
    """Answer 503 to a connection that would have to wait; say whether that was done.

    Probes are let through: a saturated service must not be restarted for being saturated, and
    they wait at most as long as the bound allows. A connection that has not sent anything yet
    is let through too: a thread will find it silent, and give it back to the poller.
    """
    head = peek(conn.sock)
    if not head or is_probe(head):
        return False
    waited = time.monotonic() - arrival(conn.sock, conn.queued_at)
    detail = "Too many requests are waiting."
    _answer_head(conn, head, HTTPStatus.SERVICE_UNAVAILABLE, detail, names.ROUTE_OVERLOAD, waited)
    return True


def time_out(conn: Any) -> bool:
    """Answer 408 to a connection whose head did not come in time; say whether one had begun."""
    head = peek(conn.sock)
    if not head:
        return False
    status, detail = HTTPStatus.REQUEST_TIMEOUT, "The request did not arrive in time."
    _errors.warning(names.REFUSED_EVENT, status=status.value, reason=detail)
    _answer_head(conn, head, status, detail, names.ROUTE_UNMATCHED, 0.0)
    return True


def _answer_head(
    conn: Any, head: bytes, status: HTTPStatus, detail: str, route: str, waited: float
) -> None:
    """Answer a connection of whose request only the head is known, or a part of it."""
    line = _REQUEST_LINE.match(head)
    method = line[1].decode() if line else ""
    peer = conn.client[0] if isinstance(conn.client, tuple) else ""
    answer(
        conn.sock,
        status,
        detail,
        request_id=context.begin(_field(head, b"X-Request-ID")),
        method=method if method in names.METHODS else names.METHOD_OTHER,
        route=route,
        path=line[2].decode("latin-1") if line else "",
        traceparent=_field(head, b"traceparent"),
        client=proxies.client(peer, _field(head, b"X-Forwarded-For")),
        duration=waited + proxies.waited(_field(head, b"X-Request-Start"), peer),
        is_head=head.startswith(b"HEAD "),
    )
    context.end()


def _field(head: bytes, name: bytes) -> str:
    """Return a field of a head that nobody has parsed, or nothing."""
    found = re.findall(rb"(?i)\r\n" + name + rb":[ \t]*([^\r\n]*?)[ \t]*(?=\r\n)", head)
    return b",".join(found).decode("latin-1")


def answer(
    sock: socket.socket,
    status: HTTPStatus,
    detail: str,
    *,
    request_id: str,
    method: str,
    route: str,
    path: str,
    traceparent: str,
    client: str,
    duration: float,
    is_head: bool,
) -> None:
    """Answer with a problem document, or with its head alone; count it, write its access line."""
    metrics.duration_of(method, route, status.value).observe(duration)
    whole = problem.response(status, detail, request_id, path=path, traceparent=traceparent)
    head, end, content = whole.partition(b"\r\n\r\n")
    if is_head:
        content = b""
    logs.access(
        logging.INFO,
        {
            "method": method,
            "route": route,
            "status": status.value,
            "duration_ms": round(duration * 1000, 3),
            "bytes": len(content),
            "client": client,
        },
    )
    try:
        sock.sendall(head + end + content)
    except OSError as exc:
        _errors.debug("The client did not wait for its answer.", reason=str(exc))


def answer_error(req: Any, client: Any, addr: Any, exc: BaseException, status: HTTPStatus) -> None:
    """Answer what is no request, or what broke outside the application, with a problem."""
    arrived = context.arrived_at.get()
    request_id = context.request_id() or context.begin(None)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        logging.getLogger("gunicorn.error").error("Error handling request", exc_info=exc)
        detail = "The server failed to handle the request."
    else:
        detail = str(exc)[:200]
        _errors.warning(names.REFUSED_EVENT, status=status.value, reason=detail)
    request, is_head = (req, req.method == "HEAD") if req else _given_up(exc)
    fields = dict(request.headers) if request else {}
    peer = addr[0] if isinstance(addr, tuple) else ""
    answer(
        client,
        status,
        detail,
        request_id=request_id,
        method=names.METHOD_OTHER,
        route=names.ROUTE_UNMATCHED,
        path=(request and request.path) or "",
        traceparent=fields.get("TRACEPARENT", ""),
        client=proxies.client(peer, fields.get("X-FORWARDED-FOR", "")),
        duration=time.monotonic() - arrived if arrived is not None else 0.0,
        is_head=is_head,
    )


def _given_up(exc: BaseException) -> tuple[Any, bool]:
    """Return the request that gunicorn gave up reading, if any, and whether its method is HEAD.

    gunicorn hands on no request that it could not read whole, but its own frames still hold it.
    """
    request, is_head = None, False
    for frame, _ in traceback.walk_tb(exc.__traceback__):
        held = frame.f_locals
        if isinstance(held.get("self"), Request):
            request = held["self"]
            is_head |= request.method == "HEAD" or held.get("buf", b"")[:5] == b"HEAD "
    return request, is_head
