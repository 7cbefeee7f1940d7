import threading
import time

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


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
@pytest.mark.parametrize("prefix", ["t=", ""])
def test_a_trusted_proxys_stamp_counts_as_waiting(
    unit: int, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "_trusted", frozenset({"10.0.0.1"}))
    monkeypatch.setattr(time, "time", lambda: 1_700_000_002.5)
    stamp = f"{prefix}{1_700_000_000 * unit}"
    assert context.proxy_seconds(stamp, "10.0.0.1") == pytest.approx(2.5)
    assert context.proxy_seconds(stamp, "10.0.0.2") == 0


@pytest.mark.parametrize("stamp", ["", "soon", "t=", "nan", "inf", "1700000010", "1699999900"])
def test_a_senseless_stamp_counts_as_nothing(stamp: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "_trusted", frozenset({"*"}))
    monkeypatch.setattr(time, "time", lambda: 1_700_000_002.5)
    assert context.proxy_seconds(stamp, "10.0.0.1") == 0
