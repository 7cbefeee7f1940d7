"""Additions of the worker to gunicorn's own."""

import os
import signal
from typing import Any

import pytest
from service.gunicorn.worker import Worker


def test_a_stop_signal_does_not_kill_a_booting_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[signal.Signals, Any]] = []
    monkeypatch.setattr(signal, "signal", lambda number, handler: given.append((number, handler)))
    monkeypatch.setattr(signal, "siginterrupt", lambda *_: None)
    monkeypatch.setattr(signal, "set_wakeup_fd", lambda *_: None)
    worker = Worker.__new__(Worker)
    worker.PIPE = os.pipe()
    worker.init_signals()
    for descriptor in worker.PIPE:
        os.close(descriptor)
    for stop in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        handlers = [handler for number, handler in given if number == stop]
        assert len(handlers) == 1
        assert handlers[0] in (worker.handle_exit, worker.handle_quit)
    assert (signal.SIGABRT, signal.SIG_DFL) in given
