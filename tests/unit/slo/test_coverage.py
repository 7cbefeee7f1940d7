import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slo.contract import Family
from slo.coverage import leftover, picks, samples
from slo.matchers import OneOf, Prefix
from slo.model import Selector, Source

MATCHERS = st.one_of(
    st.lists(st.sampled_from(["a", "ab", "b", "c"]), min_size=1).map(
        lambda values: OneOf(tuple(values))
    ),
    st.builds(Prefix, st.sampled_from(["a", "ab", "b"]), st.booleans()),
)
SELECTORS = st.lists(
    st.dictionaries(st.sampled_from(["x", "y"]), MATCHERS, min_size=1), min_size=1, max_size=3
)
# Every text of up to three of these letters: all that the matchers above can tell apart.
OPEN = Family("jobs_total", histogram=False, values={"x": None, "y": None})
TEXTS = ["".join(text) for size in range(4) for text in itertools.product("abcd", repeat=size)]


@given(SELECTORS, SELECTORS)
def test_leftover_finds_an_event_whenever_one_exists(
    whole: list[Selector], part: list[Selector]
) -> None:
    found = leftover(whole, part, OPEN)
    if found is not None:
        assert any(picks(each, found) for each in whole)
        assert not any(picks(each, found) for each in part)
        return
    for x, y in itertools.product(TEXTS, repeat=2):
        event = {"x": x, "y": y}
        picked = any(picks(each, event) for each in whole)
        assert not picked or any(picks(each, event) for each in part), event


CODES = ("200", "400", "500", "503")
JOBS = Family("jobs_total", histogram=False, values={"code": CODES, "route": ("/a", "/b")})


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ({"code": Prefix("5", negated=True)}, {"code": OneOf(("200",))}, "400"),
        ({"code": OneOf(("500", "503"))}, {"code": OneOf(("500",))}, "503"),
        ({"code": Prefix("5")}, {"code": OneOf(("500",))}, "503"),
        ({"code": Prefix("5")}, {"code": OneOf(("500", "503"))}, None),
        ({"code": Prefix("5")}, {"code": Prefix("5")}, None),
    ],
)
def test_an_event_that_is_left_over_is_one_that_the_contract_allows(
    whole: Selector, part: Selector, expected: str | None
) -> None:
    event = expected and {"code": expected, "route": "/a"}
    assert leftover([whole], [part], JOBS) == event


def test_parts_that_pick_all_together_leave_nothing_over() -> None:
    route = OneOf(("/a",))
    parts: list[Selector] = [
        {"route": route, "code": Prefix("5")},
        {"route": route, "code": Prefix("5", negated=True)},
    ]
    assert leftover([{"route": route}], parts, JOBS) is None


@pytest.mark.parametrize(
    ("selectors", "expected"),
    [
        (({"code": Prefix("5")},), [("500", "/a")]),
        (({"code": OneOf(("503",))},), [("503", "/a")]),
        (({"code": OneOf(("503", "500"))},), [("503", "/a")]),
        (({"code": OneOf(("503",))}, {"route": OneOf(("/b",))}), [("503", "/a"), ("200", "/b")]),
        (({"code": OneOf(("500",))}, {"code": Prefix("5")}), [("500", "/a")]),
        (({"code": OneOf(("500", "5xx"))},), [("500", "/a"), None]),
        (({"code": Prefix("6")}, {"status": OneOf(("500",))}), [None, None]),
    ],
)
def test_the_samples_of_a_source_are_events_that_the_contract_allows(
    selectors: tuple[Selector, ...], expected: list[tuple[str, str] | None]
) -> None:
    found = samples(Source(JOBS, selectors))
    assert found == [each and dict(zip(("code", "route"), each, strict=True)) for each in expected]
