import threading
import time

import pytest
from prometheus_client import REGISTRY, Counter
from telemetry.memoize import memoize


def test_a_metric_that_many_threads_use_first_is_made_once() -> None:
    made: list[Counter] = []

    @memoize
    def slowly(name: str) -> Counter:
        time.sleep(0.01)  # lets the other threads in
        made.append(Counter(name, "Made by a test."))
        return made[-1]

    found: list[Counter] = []
    barrier = threading.Barrier(8)

    def use() -> None:
        barrier.wait()
        found.append(slowly("once_test_total"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    try:
        assert len(made) == 1
        assert found == made * 8
    finally:
        REGISTRY.unregister(made[0])


def test_a_failure_is_not_kept() -> None:
    asked: list[str] = []

    @memoize
    def make(name: str) -> int:
        asked.append(name)
        if len(asked) == 1:
            raise ValueError("not yet")
        return len(asked)

    with pytest.raises(ValueError, match="not yet"):
        make("a")
    assert (make("a"), make("a"), make("b")) == (2, 2, 3)
