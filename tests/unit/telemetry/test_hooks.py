import gc
from types import SimpleNamespace

import pytest
from telemetry.gunicorn import hooks


def test_what_is_loaded_before_a_fork_is_out_of_the_collectors_sight() -> None:
    loaded = [[] for _ in range(3)]  # type: list[list[object]]
    try:
        hooks.pre_fork(SimpleNamespace(WORKERS={}), SimpleNamespace())
        assert gc.get_freeze_count() > len(loaded)
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(one is loaded for one in gc.get_objects())


@pytest.mark.parametrize(("slot", "core"), [(1, 2), (2, 4), (3, 7), (4, 2)])
def test_workers_take_turns_at_the_cores_that_the_server_may_use(
    monkeypatch: pytest.MonkeyPatch, slot: int, core: int
) -> None:
    chosen: list[tuple[int, set[int]]] = []
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {7, 2, 4}, raising=False)
    monkeypatch.setattr("os.sched_setaffinity", lambda *given: chosen.append(given), raising=False)
    hooks.stay_on_one_core(slot)
    assert chosen == [(0, {core})]
