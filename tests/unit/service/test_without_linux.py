"""Where Linux's own calls are missing, as on macOS, the server does without them."""

import gc
import os
import socket
from types import SimpleNamespace

import pytest
import service.gunicorn
from service.gunicorn import answers, hooks


def test_without_tcp_info_a_request_arrives_when_it_is_queued(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(socket, "TCP_INFO", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert answers.arrival(listener, 12.5) == 12.5


def test_without_affinity_workers_share_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    monkeypatch.setattr(hooks._Server, "config", SimpleNamespace(cpu_affinity=True), raising=False)
    one = SimpleNamespace()
    try:
        hooks.pre_fork(SimpleNamespace(WORKERS={}), one)
    finally:
        gc.unfreeze()
    assert not hasattr(one, "core")


def test_without_a_folder_in_memory_heartbeats_are_temporary_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    assert service.gunicorn._heartbeat_directory() is None
