import threading

import pytest
from telemetry import context


@pytest.mark.parametrize("offered", ["a", "A-b_c.9", "x" * 128, "0af7651916cd43dd8448eb211c80319c"])
def test_a_well_formed_request_id_is_taken_over(offered: str) -> None:
    assert context.begin(offered) == context.request_id() == offered
    context.end()
    assert context.request_id() is None


@pytest.mark.parametrize("offered", [None, "", "x" * 129, "a b", "a\nb", "a,b", 'a"b', "é", "a\n"])
def test_any_other_request_id_is_replaced_by_a_new_one(offered: str | None) -> None:
    first, second = context.begin(offered), context.begin(offered)
    context.end()
    assert first != second
    assert offered not in {first, second}
    assert len(first) == len(second) == 32


def test_a_carried_function_knows_the_request_in_another_thread() -> None:
    seen: list[str | None] = []

    def look() -> None:
        seen.append(context.request_id())

    context.begin("mine")
    for work in (context.carry(look), look):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    context.end()
    assert seen == ["mine", None]
