import socket
import threading
import time
from collections.abc import Iterator

import pytest
from service.gunicorn.patience import PatientSocket, RequestTimeout

SECONDS = 0.2


@pytest.fixture
def ends() -> Iterator[tuple[PatientSocket, socket.socket]]:
    """A server's socket, as accepted, and its client's."""
    server, client = socket.socketpair()
    patient = PatientSocket(server, SECONDS)
    yield patient, client
    patient.close()
    client.close()


def test_nobody_waits_who_has_not_said_so(ends: tuple[PatientSocket, socket.socket]) -> None:
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


def test_what_comes_in_time_is_waited_for(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    patient.setblocking(True)
    threading.Timer(SECONDS / 4, client.sendall, [b"late"]).start()
    assert patient.recv(10) == b"late"


def test_a_head_that_is_late_is_a_time_out(ends: tuple[PatientSocket, socket.socket]) -> None:
    patient, client = ends
    patient.setblocking(True)
    patient.head_until = time.monotonic() + SECONDS / 4
    began = time.monotonic()
    with pytest.raises(RequestTimeout):
        patient.recv(10)
    assert SECONDS / 8 < time.monotonic() - began < SECONDS
    client.sendall(b"too late")
    assert patient.recv(10) == b""


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


def test_who_may_not_wait_is_told_that_the_buffer_is_full(
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
