"""Processes of the stack: ready, ended too early, too slow, stopped."""

import sys
from pathlib import Path

import psutil
import pytest
from stack.addresses import HOST, WELL_KNOWN, Addresses
from stack.errors import StackError
from stack.podlogs import PodLog
from stack.process import Process


def python(folder: Path, code: str, url: str = "http://127.0.0.1:9/") -> Process:
    return Process("part", [sys.executable, "-c", code], folder / "part.log", url)


def test_a_component_that_ends_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    process = python(tmp_path, "import sys; print('no such directory: x'); sys.exit(3)")
    process.start()
    with pytest.raises(StackError) as caught:
        process.wait_ready(30)
    process.stop()
    assert str(caught.value) == "part ended with exit code 3:\n    no such directory: x\n"


def test_a_component_that_never_serves_is_reported(tmp_path: Path) -> None:
    process = python(tmp_path, "import time; time.sleep(600)")
    process.start()
    try:
        with pytest.raises(StackError, match=r"(?s)part is not ready after 0 s .*said nothing"):
            process.wait_ready(0)
    finally:
        process.stop()


def test_a_component_that_serves_is_ready_and_stops(tmp_path: Path) -> None:
    addresses = Addresses()
    command = f"-m http.server --bind {HOST} {addresses.port('web')}".split()
    url = addresses.url("web")
    process = Process("web", [sys.executable, *command], tmp_path / "web.log", url)
    process.start()
    try:
        process.wait_ready(60)
        assert process.pid > 0
        assert process.ready_seconds is not None
    finally:
        process.stop()
    assert not process.is_ready()
    with pytest.raises(StackError, match="web was not started"):
        _ = process.pid


def test_a_component_without_http_is_ready_when_it_listens(tmp_path: Path) -> None:
    port = Addresses().port("cache")
    code = f"import socket, time; s = socket.create_server(('{HOST}', {port})); time.sleep(600)"
    process = python(tmp_path, code, f"tcp://{HOST}:{port}")
    assert not process.is_ready()
    process.start()
    try:
        process.wait_ready(60)
    finally:
        process.stop()


def test_a_component_that_ignores_the_polite_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stack.process.STOP_SECONDS", 0.2)
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True)"
    process = python(tmp_path, f"{code}; time.sleep(600)")
    process.start()
    pid = process.pid
    process.stop()
    process.stop()  # a second time does nothing
    assert not psutil.pid_exists(pid)


def test_an_ipv6_address_stands_in_brackets_before_its_port() -> None:
    addresses = Addresses(reach="fd00::1")
    assert addresses.endpoint("etcd") == f"[fd00::1]:{addresses.port('etcd')}"
    assert addresses.url("etcd") == f"http://[fd00::1]:{addresses.port('etcd')}"


def test_addresses_are_kept_and_differ() -> None:
    addresses = Addresses()
    ports = [addresses.port(str(number)) for number in range(100)]
    assert ports == [addresses.port(str(number)) for number in range(100)]
    assert len(set(ports)) == 100


def test_stacks_that_start_side_by_side_choose_no_port_twice() -> None:
    """Long before anything listens there."""
    stacks = [Addresses() for _ in range(20)]
    ports = [stack.port(str(number)) for stack in stacks for number in range(30)]
    assert len(set(ports)) == len(ports)


def test_a_well_known_port_that_is_taken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stack.addresses._is_free", lambda _: False)
    port = WELL_KNOWN["prometheus"]
    with pytest.raises(StackError, match=f"prometheus: port {port} is taken"):
        Addresses(well_known=True).port("prometheus")


def test_a_containers_output_is_kept_as_a_node_keeps_it(tmp_path: Path) -> None:
    log = PodLog(tmp_path, "ports")
    with open(log.writing_end, "wb", closefd=False) as pipe:
        pipe.write(b'{"event": "one"}\n\xff two\n')
    log.start()
    log.join()
    lines = log.file.read_bytes().splitlines()
    assert [line.split(b" ", 3)[1:] for line in lines] == [
        [b"stdout", b"F", b'{"event": "one"}'],
        [b"stdout", b"F", b"\xff two"],
    ]
    folder = "local_ports-0_00000000-0000-0000-0000-000000000000"
    assert log.file.relative_to(tmp_path).parts == (folder, "ports", "0.log")
