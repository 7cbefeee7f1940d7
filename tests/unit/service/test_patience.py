import socket
import threading
import time
from collections.abc import Iterator

import pytest
from gunicorn.http import errors
from service.gunicorn.patience import MAX_HEAD, HeadIncomplete, PatientSocket

SECONDS = 0.2


@pytest.fixture
def ends() -> Iterator[tuple[PatientSocket, socket.socket]]:
    """A server's socket, as accepted, and its client's."""
    server, client = socket.socketpair()
    patient = PatientSocket(server, SECONDS)
    yield patient, client
    patient.close()
    client.close()


def test_a_non_blocking_socket_does_not_wait(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    with pytest.raises(BlockingIOError):
        patient.recv(10)
    patient.setblocking(True)
    patient.setblocking(False)
    with pytest.raises(BlockingIOError):
        patient.recv(10)
    client.sendall(b"there")
    assert patient.recv(10, socket.MSG_PEEK) == b"there"
    assert patient.recv(10) == b"there"


def test_a_read_waits_for_data_within_the_timeout(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, client = ends
    patient.setblocking(True)
    threading.Timer(SECONDS / 4, client.sendall, [b"late"]).start()
    assert patient.recv(10) == b"late"


def test_nobody_waits_for_the_rest_of_a_head(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    patient.begin_head()
    until = patient.head_until
    patient.setblocking(True)
    client.sendall(b"GET / HT")
    assert patient.recv(10) == b"GET / HT"
    began = time.monotonic()
    with pytest.raises(HeadIncomplete):
        patient.recv(10)
    assert time.monotonic() - began < SECONDS
    assert patient.is_incomplete
    assert patient.gather(), "nothing has come"
    client.sendall(b"TP/1.1\r\n\r")
    assert patient.gather(), "the end has not come"
    client.sendall(b"\n")
    assert not patient.gather()
    assert patient.recv(9, socket.MSG_PEEK) == b"GET / HTT"
    patient.begin_head()
    assert patient.head_until == until, "no part of a head renews its time"
    assert patient.recv(8192) == b"GET / HTTP/1.1\r\n\r\n"
    patient.end_head()
    assert patient.head_until == 0


@pytest.mark.parametrize("end", [b"\nX", b"x" * MAX_HEAD], ids=["line feed", "too long"])
def test_a_head_that_can_be_refused_is_not_waited_for(
    ends: tuple[PatientSocket, socket.socket], end: bytes
) -> None:
    patient, client = ends
    patient.begin_head()
    client.sendall(b"GET / HTTP/1.1\r\n" + end)
    while patient.gather():
        pass
    assert patient.recv(1, socket.MSG_PEEK) == b"G"


def test_a_head_is_read_up_to_its_bound(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, _ = ends
    patient.begin_head()
    patient.unread(b"x" * (MAX_HEAD + 1))
    assert len(patient.recv(8192)) == MAX_HEAD + 1
    with pytest.raises(errors.LimitRequestHeaders):
        patient.recv(8192)


def test_the_end_of_a_client_is_not_waited_for(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    patient.begin_head()
    client.close()
    assert not patient.gather()
    assert patient.recv(10) == b""


def test_a_body_that_arrives_too_slowly_is_aborted(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, client = ends
    patient.end_head()
    began, parts = time.monotonic(), 0
    while time.monotonic() - began < 10 * SECONDS:
        timer = threading.Timer(SECONDS / 4, client.sendall, [b"x"])
        timer.start()
        received = patient.recv(10)
        timer.join()
        if not received:
            break
        parts += 1
    assert parts < 8
    assert time.monotonic() - began < 5 * SECONDS


def test_a_body_that_comes_fast_enough_has_all_of_its_time() -> None:
    accepted, client = socket.socketpair()
    with PatientSocket(accepted, 3 * SECONDS) as patient, client:
        patient.end_head()
        for _ in range(18):
            threading.Timer(SECONDS / 4, client.sendall, [b"x" * 500]).start()
            assert patient.recv(8192)


def test_the_server_hardly_waits_for_an_unread_body(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, client = ends
    patient.end_head()
    client.sendall(b"body")
    patient.end_request()
    assert patient.recv(10) == b"body"
    with pytest.raises(TimeoutError):
        patient.recv(10)


def test_a_body_that_stalls_ends_and_stays_ended(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, client = ends
    patient.setblocking(True)
    assert patient.recv(10) == b""
    client.sendall(b"a request smuggled in")
    assert patient.recv(10) == b""


def test_all_is_sent_to_a_slow_reader(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    patient.setblocking(True)
    sent = bytes(range(256)) * 8192
    got = bytearray()

    def read() -> None:
        while len(got) < len(sent):
            got.extend(client.recv(65536))

    reader = threading.Thread(target=read)
    threading.Timer(SECONDS / 4, reader.start).start()
    patient.sendall(sent)
    time.sleep(SECONDS / 2)
    reader.join()
    assert bytes(got) == sent


def test_a_client_that_stops_reading_counts_as_gone(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, _ = ends
    patient.setblocking(True)
    with pytest.raises(BrokenPipeError):
        patient.sendall(b"x" * 4_000_000)
    assert patient.recv(10) == b""


def test_a_non_blocking_send_raises_when_the_buffer_is_full(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, _ = ends
    with pytest.raises(BlockingIOError):
        patient.sendall(b"x" * 4_000_000)


def test_a_wait_lasts_as_long_as_was_last_asked_for_but_not_beyond_the_bounds(
    ends: tuple[PatientSocket, socket.socket],
) -> None:
    patient, _ = ends
    patient.settimeout(SECONDS / 4)
    assert patient.gettimeout() == SECONDS / 4
    began = time.monotonic()
    assert patient.recv(10) == b""
    assert SECONDS / 8 < time.monotonic() - began < SECONDS
    patient.settimeout(60)
    assert patient.gettimeout() == SECONDS
    patient.settimeout(None)
    assert patient.gettimeout() == SECONDS
    patient.settimeout(0.0)
    assert patient.gettimeout() == 0


def test_when_something_was_last_sent_is_known(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    assert patient.sent_at == 0
    before = time.monotonic()
    patient.sendall(b"answer")
    assert before <= patient.sent_at <= time.monotonic()
    assert client.recv(10) == b"answer"
