import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slo.coverage import leftover, picks
from slo.matchers import OneOf, Prefix
from slo.model import Selector

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
TEXTS = ["".join(text) for size in range(4) for text in itertools.product("abcd", repeat=size)]


@given(SELECTORS, SELECTORS)
def test_what_is_left_over_is_found_where_anything_is(
    whole: list[Selector], part: list[Selector]
) -> None:
    found = leftover(whole, part)
    if found is not None:
        assert any(picks(each, found) for each in whole)
        assert not any(picks(each, found) for each in part)
        return
    for x, y in itertools.product(TEXTS, repeat=2):
        event = {"x": x, "y": y}
        picked = any(picks(each, event) for each in whole)
        assert not picked or any(picks(each, event) for each in part), event


@pytest.mark.parametrize(
    ("whole", "part", "expected"),
    [
        ({"code": Prefix("5", negated=True)}, [{"code": OneOf(("200",))}], {"code": "400"}),
        ({"code": OneOf(("500", "503"))}, [{"code": OneOf(("500",))}], {"code": "503"}),
        ({"code": Prefix("5")}, [{"code": OneOf(("500",))}], {"code": "5other-0"}),
        ({"code": Prefix("5")}, [{"code": Prefix("5")}], None),
        (
            {"route": OneOf(("/a",))},
            [
                {"route": OneOf(("/a",)), "code": Prefix("5")},
                {"route": OneOf(("/a",)), "code": Prefix("5", negated=True)},
            ],
            None,
        ),
    ],
)
def test_an_event_that_is_left_over(
    whole: Selector, part: list[Selector], expected: dict[str, str] | None
) -> None:
    assert leftover([whole], part) == expected
