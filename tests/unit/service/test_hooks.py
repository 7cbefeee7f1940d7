import gc
from types import SimpleNamespace

import pytest
from service.gunicorn import hooks


def test_pre_fork_freezes_loaded_objects_for_the_garbage_collector(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded = [[] for _ in range(3)]  # type: list[list[object]]
    monkeypatch.setattr(hooks._Server, "config", SimpleNamespace(cpu_affinity=False), raising=False)
    try:
        hooks.pre_fork(SimpleNamespace(WORKERS={}), SimpleNamespace())
        assert gc.get_freeze_count() > len(loaded)
        assert not any(one is loaded for one in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(one is loaded for one in gc.get_objects())


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each worker keep to one of the cores 2, 4 and 7."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: {7, 2, 4}, raising=False)
    monkeypatch.setattr(hooks._Server, "config", SimpleNamespace(cpu_affinity=True), raising=False)


def core_beside(*living: SimpleNamespace) -> int:
    """Return the core that a worker beside these is given."""
    worker = SimpleNamespace()
    hooks.pre_fork(SimpleNamespace(WORKERS=dict(enumerate(living))), worker)
    gc.unfreeze()
    return int(worker.core)


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize(
    ("taken", "core"),
    [([], 2), ([2], 4), ([2, 4], 7), ([2, 4, 7], 2), ([2, 4, 7, 2, 4], 7), ([7, 4, 7], 2)],
)
def test_a_worker_is_given_a_core_that_the_fewest_have(taken: list[int], core: int) -> None:
    living = [SimpleNamespace(slot=slot, core=one) for slot, one in enumerate(taken, 1)]
    assert core_beside(*living) == core


@pytest.mark.usefixtures("cores")
def test_a_successor_takes_the_core_of_a_worker_that_died_after_a_reload() -> None:
    assert core_beside(SimpleNamespace(slot=4, core=2), SimpleNamespace(slot=6, core=7)) == 4
