from telemetry import multiprocess


def test_the_lowest_slot_that_no_living_worker_has_is_given() -> None:
    assert multiprocess.free_slot([]) == 1
    assert multiprocess.free_slot([1, 2]) == 3
    assert multiprocess.free_slot([3, 1]) == 2
