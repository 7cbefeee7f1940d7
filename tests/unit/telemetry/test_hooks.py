import gc
from types import SimpleNamespace

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
