"""Cached reads of two processes, as two objects, over one real server."""

import pickle
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import telemetry
from prometheus_client import REGISTRY
from service.django.cache.reads import MAX_CACHED_BYTES, Codec
from service.django.cache.settings import ANSWER_SECONDS
from service.django.cache.shared import SharedReads
from service.django.postgresql.breaker import RETRY_SECONDS
from structlog.testing import capture_logs
from telemetry import names

from tests.service import free_port
from tests.support.cache_server import PASSWORD, CacheServer, backend

TEXT: Codec[str] = Codec(str.encode, bytes.decode)
NUMBER: Codec[int] = Codec(lambda number: b"%d" % number, int)
# A command may open a connection, greet the server and ask: each step is bounded.
SLOWEST_SECONDS = 5 * ANSWER_SECONDS


class Store:
    """A value to read, and the number of reads."""

    def __init__(self, value: str = "old") -> None:
        self.value = value
        self.loads = 0

    def load(self) -> str:
        self.loads += 1
        return self.value


@pytest.fixture
def replicas(cache_server: CacheServer) -> tuple[SharedReads, SharedReads]:
    return SharedReads(backend(cache_server.url)), SharedReads(backend(cache_server.url))


def failures(reason: str) -> float:
    return REGISTRY.get_sample_value(names.CACHE_FAILURES, {names.ERROR_TYPE: reason}) or 0.0


def bypassed() -> float | None:
    return REGISTRY.get_sample_value(names.CACHE_BYPASSED)


def gets(what: str) -> float:
    labels = {"backend": "native_redis"}
    return REGISTRY.get_sample_value(f"django_cache_get_{what}total", labels) or 0.0


def test_a_value_that_one_replica_read_is_there_for_the_other(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer
) -> None:
    store, (one, other) = Store(), replicas
    before = {what: gets(what) for what in ("", "hits_", "misses_", "fail_")}
    assert one.read("key", store.load, TEXT) == "old"
    assert [other.read("key", store.load, TEXT) for _ in range(3)] == ["old"] * 3
    assert store.loads == 1
    counted = {what: gets(what) - count for what, count in before.items()}
    assert counted == {"": 4, "hits_": 3, "misses_": 1, "fail_": 0}
    times = {key: cache_server.client.ttl(key) for key in cache_server.client.scan_iter()}
    assert times.pop(b"ports:1:generation") == -1
    assert 0 < times.pop(b"ports:1:key") <= 60
    assert times == {}
    assert bypassed() == 0


def test_a_write_of_one_replica_is_seen_by_the_other_at_once(
    replicas: tuple[SharedReads, SharedReads],
) -> None:
    store, (one, other) = Store(), replicas
    for replica in (one, other):
        assert replica.read("key", store.load, TEXT) == "old"
    store.value = "new"
    one.invalidate()
    assert (other.read("key", store.load, TEXT), one.read("key", store.load, TEXT)) == ("new",) * 2
    assert store.loads == 2


@pytest.mark.parametrize("is_warm", [True, False])
def test_a_slow_read_does_not_bring_an_old_value_back(
    replicas: tuple[SharedReads, SharedReads], is_warm: bool
) -> None:
    store, (writer, reader) = Store(), replicas
    if is_warm:  # a generation is there before the slow read
        writer.read("another", store.load, TEXT)
    is_read, is_written = threading.Event(), threading.Event()

    def slowly() -> str:
        value = store.load()
        is_read.set()
        is_written.wait(10)
        return value

    slow = threading.Thread(target=reader.read, args=("key", slowly, TEXT))
    slow.start()
    is_read.wait(10)
    store.value = "new"
    writer.invalidate()
    assert writer.read("key", store.load, TEXT) == "new"  # a new generation is there, and a value
    is_written.set()
    slow.join(10)
    for replica in (writer, reader, writer, reader):
        assert replica.read("key", store.load, TEXT) == "new"


def test_no_value_is_old_after_the_last_of_many_writes(
    replicas: tuple[SharedReads, SharedReads],
) -> None:
    """Readers check each value against the last write that was over before they began."""
    version, written, stop = 0, 0, threading.Event()
    wrong: list[tuple[int, int]] = []
    reads = [0] * 8

    def read(reader: int) -> None:
        while not stop.is_set():
            least = written
            found = replicas[reader % 2].read(f"key{reader % 3}", lambda: version, NUMBER)
            if found < least:
                wrong.append((found, least))
            reads[reader] += 1

    threads = [threading.Thread(target=read, args=(each,)) for each in range(len(reads))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 5
    while time.monotonic() < end:
        version += 1
        replicas[version % 2].invalidate()
        written = version
        time.sleep(0.001)
    stop.set()
    for thread in threads:
        thread.join(10)
    print(f"\n{written} writes, {sum(reads)} reads, {len(wrong)} of an old value")
    assert wrong == []
    assert written > 200
    assert min(reads) > 100


def test_a_long_value_is_not_kept(replicas: tuple[SharedReads, SharedReads]) -> None:
    for size, loads in ((MAX_CACHED_BYTES, 1), (MAX_CACHED_BYTES + 1, 2)):
        store = Store("x" * size)
        for replica in replicas:
            assert replica.read(f"key{size}", store.load, TEXT) == store.value
        assert store.loads == loads


class Code:
    """A pickle that runs code where it is read."""

    ran = False

    def __reduce__(self) -> tuple[object, tuple[()]]:
        return run, ()


def run() -> str:
    Code.ran = True
    return "run"


@pytest.mark.parametrize("garbage", [pickle.dumps(Code()), b"", b"\xff\x00", b"1" * 100_000])
def test_garbage_is_read_past_and_replaced(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer, garbage: bytes
) -> None:
    store, (one, other) = Store("12"), replicas
    client = cache_server.client

    def load() -> int:
        return int(store.load())

    assert one.read("key", load, NUMBER) == 12
    generation = client.get("ports:1:generation")
    assert isinstance(generation, bytes)
    client.set("ports:1:key", garbage)
    assert other.read("key", load, NUMBER) == 12
    before = failures("invalid")
    client.set("ports:1:key", generation + b"no number")
    assert other.read("key", load, NUMBER) == 12
    assert failures("invalid") == before + 1
    assert client.get("ports:1:key") == generation + b"12"
    client.set("ports:1:generation", garbage)
    client.set("ports:1:key", garbage + b"13")
    assert [one.read("key", load, NUMBER) for _ in range(3)] == [12] * 3
    client.delete("ports:1:generation", "ports:1:key")
    client.rpush("ports:1:generation", b"a list")
    client.rpush("ports:1:key", b"a list")
    assert [one.read("key", load, NUMBER) for _ in range(3)] == [12] * 3
    store.value = "14"
    one.invalidate()
    assert other.read("key", load, NUMBER) == 14
    assert not Code.ran


def test_a_full_server_forgets_at_a_write_and_keeps_nothing_new(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer
) -> None:
    store, (one, other) = Store(), replicas
    one.read("key", store.load, TEXT)
    before = failures("full")
    with cache_server.full():
        assert other.read("key", store.load, TEXT) == "old"
        assert store.loads == 1, "what is kept is still read"
        store.value = "new"
        one.invalidate()
        assert [each.read("key", store.load, TEXT) for each in replicas] == ["new"] * 2
        assert store.loads == 3
        assert failures("full") >= before + 2
        assert bypassed() == 0
    other.read("key", store.load, TEXT)
    assert one.read("key", store.load, TEXT) == "new"
    assert store.loads == 4


def test_a_server_that_restarts_empty_is_filled_again(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer
) -> None:
    store, (one, other) = Store(), replicas
    one.read("key", store.load, TEXT)
    cache_server.stop()
    assert one.read("key", store.load, TEXT) == "old"
    store.value = "new"
    one.invalidate()  # of which the server hears only later
    assert one.read("key", store.load, TEXT) == "new"
    assert bypassed() == 1
    cache_server.start()
    time.sleep(RETRY_SECONDS)
    for _ in range(3):
        assert [each.read("key", store.load, TEXT) for each in (one, other)] == ["new"] * 2
    assert store.loads == 4
    assert bypassed() == 0


def test_a_silent_server_costs_one_request_a_second_its_timeout(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer
) -> None:
    store, (one, _) = Store(), replicas
    one.read("key", store.load, TEXT)
    before = failures("timeout")
    took: list[float] = []
    with capture_logs() as logs, cache_server.silent():
        end = time.monotonic() + 3 * RETRY_SECONDS
        while time.monotonic() < end:
            began = time.monotonic()
            assert one.read("key", store.load, TEXT) == "old"
            took.append(time.monotonic() - began)
            time.sleep(0.01)
    slow = [each for each in took if each > ANSWER_SECONDS / 2]
    print(f"\n{len(took)} reads, {len(slow)} slow ones, the slowest {max(took):.3f} s")
    assert 1 <= len(slow) <= 4
    assert max(took) < SLOWEST_SECONDS
    assert failures("timeout") - before == len(slow)
    assert [(line["event"], line["reason"]) for line in logs] == [(names.CACHE_EVENT, "timeout")]
    time.sleep(RETRY_SECONDS)
    assert one.read("key", store.load, TEXT) == "old"
    assert bypassed() == 0


def test_a_write_that_the_server_does_not_hear_of_is_owed(
    replicas: tuple[SharedReads, SharedReads], cache_server: CacheServer
) -> None:
    store, (one, other) = Store(), replicas
    other.read("key", store.load, TEXT)
    with cache_server.silent():
        store.value = "new"
        one.invalidate()
        began = time.monotonic()
        while time.monotonic() - began < 2.5 * RETRY_SECONDS:
            assert one.read("key", store.load, TEXT) == "new"
            time.sleep(0.01)
        assert bypassed() == 1
    time.sleep(RETRY_SECONDS)
    assert one.read("key", store.load, TEXT) == "new"
    assert other.read("key", store.load, TEXT) == "new"
    assert bypassed() == 0


def test_what_a_server_says_of_a_command_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A stand-in for a Redis before version 6, which does not know how a client logs in today."""
    listener = socket.create_server(("127.0.0.1", free_port()))

    def answer() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while got := connection.recv(65536):
                    said = got.replace(b"\r\n", b" ")
                    connection.sendall(b"-ERR unknown command, with args: %b\r\n" % said)

    thread = threading.Thread(target=answer)
    thread.start()
    recorded: list[BaseException | None] = []

    class Span:
        def __enter__(self) -> None: ...

        def __exit__(self, _kind: object, error: BaseException | None, _stack: object) -> None:
            recorded.append(error)

    monkeypatch.setattr(telemetry, "span", lambda *_, **__: Span())
    port = listener.getsockname()[1]
    reads = SharedReads(backend(CacheServer(Path()).url_at(port)))
    try:
        with capture_logs() as logs:
            assert reads.read("key", Store().load, TEXT) == "old"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
    assert logs
    assert [type(error).__name__ for error in recorded] == ["CacheFailed"]
    assert PASSWORD not in f"{logs} {recorded} {[vars(each) for each in recorded if each]}"


@pytest.fixture
def encrypted(tmp_path: Path) -> Iterator[tuple[CacheServer, int, Path]]:
    """A server that speaks TLS on a second port, with the certificate that vouches for it."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    files = ("-keyout", str(key), "-out", str(certificate))
    new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
    subprocess.run([*new, *subject, *files], check=True, capture_output=True)
    port = free_port()
    served = ("--tls-cert-file", str(certificate), "--tls-key-file", str(key))
    server = CacheServer(tmp_path)
    server.start("--tls-port", str(port), *served, "--tls-auth-clients", "no")
    try:
        yield server, port, certificate
    finally:
        server.stop()


def test_a_server_is_asked_over_tls_if_its_certificate_is_right(
    encrypted: tuple[CacheServer, int, Path],
) -> None:
    server, port, certificate = encrypted
    url = server.url_at(port).replace("redis:", "rediss:").replace("127.0.0.1", "localhost")
    store = Store()
    reads = SharedReads(backend(f"{url}?ssl_ca_certs={certificate}"))
    assert [reads.read("key", store.load, TEXT) for _ in range(3)] == ["old"] * 3
    assert store.loads == 1
    before = failures("connection")
    unknown = SharedReads(backend(url))
    assert unknown.read("key", store.load, TEXT) == "old"
    assert store.loads == 2
    assert failures("connection") == before + 1
