"""Debian's Redis as a process of its own: a stand-in for Valkey, which speaks the same protocol."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import psutil
import pytest
import redis
from django.core.cache.backends.base import BaseCache
from django.utils.module_loading import import_string
from seaports.settings import Environment

from tests.service import DEADLINE_SECONDS, free_port
from tests.support.harness import wait_for

PASSWORD = "a-password,of;tests-only"  # noqa: S105 - of a throw-away server
QUOTED = "a-password%2Cof%3Btests-only"


class CacheServer:
    """A server without a file, which loses everything when it stops.

    Attributes:
        port: Where it listens, on localhost.
        client: A client of the test's own, with the usual long timeouts.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.client = redis.Redis(port=self.port, password=PASSWORD)
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.client.close()

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """Return the URL over a proxy."""
        return f"redis://:{QUOTED}@127.0.0.1:{port}/0"

    def start(self, *options: str) -> None:
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail("redis-server is missing: install Debian's package (make packages)")
        log = self._folder / f"cache-{self.port}.log"
        fixed = ("--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD)
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [program, *fixed, "--save", "", *options],
                cwd=self._folder,
                stdout=output,
                stderr=output,
            )
        wait_for("the cache server answers", self._answers)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.exceptions.ConnectionError:
            return False

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(DEADLINE_SECONDS)
            self._process = None

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stop the process where it is: connections stay open, nothing comes back."""
        assert self._process is not None
        process = psutil.Process(self._process.pid)
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let every command fail that needs memory."""
        self.client.config_set("maxmemory", 1)
        try:
            yield
        finally:
            self.client.config_set("maxmemory", 0)  # no limit


def backend(url: str) -> BaseCache:
    """Return Django's cache of a URL, as the settings of the service make it."""
    environment = Environment.read({"PORTS_CACHE_URL": url, "PORTS_CACHE_SECONDS": "60"})
    assert environment.wrong == {}
    made = dict(environment.caches("ports")["default"])
    cache: BaseCache = import_string(str(made.pop("BACKEND")))(made.pop("LOCATION"), made)
    return cache
