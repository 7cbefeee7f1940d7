import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slo.matchers import Matcher, OneOf, Prefix

MATCHERS = st.one_of(
    st.lists(st.sampled_from(["200", "404", "500", "503"]), min_size=1).map(
        lambda values: OneOf(tuple(values))
    ),
    st.builds(Prefix, st.sampled_from(["2", "20", "5", "50", "503"]), st.booleans()),
)


@pytest.mark.parametrize(
    ("matcher", "promql"),
    [
        (OneOf(("/ports/{id}",)), 'route="/ports/{id}"'),
        (OneOf(('a"\\\n',)), 'route="a\\"\\\\\\n"'),
        (OneOf(("/a", "/a/{id}", "a.b")), r'route=~"/a|/a/\\{id\\}|a\\.b"'),
        (Prefix("5"), 'route=~"5.*"'),
        (Prefix("5", negated=True), 'route!~"5.*"'),
    ],
)
def test_a_matcher_renders_as_promql(matcher: Matcher, promql: str) -> None:
    assert matcher.promql("route") == promql


@given(MATCHERS, st.from_regex("[2-5][0-9]{2}", fullmatch=True))
def test_promql_picks_what_the_matcher_accepts(matcher: Matcher, value: str) -> None:
    operator, text = re.fullmatch('l(=~|!~|=)"(.*)"', matcher.promql("l")).groups()  # type: ignore[union-attr]
    same = value == text if operator == "=" else re.fullmatch(text, value) is not None
    assert matcher.accepts(value) is (same != (operator == "!~"))
