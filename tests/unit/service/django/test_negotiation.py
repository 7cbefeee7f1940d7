import pytest
from hypothesis import given
from hypothesis import strategies as st
from service.django.negotiation import preferred

JSON, LINES = "application/json", "application/x-ndjson"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/json; charset=utf-8", JSON),
        ("application/x-ndjson;charset=UTF-8", LINES),
        ("Application/X-NDJSON", LINES),
        ("application/x-ndjson, application/json", LINES),
        ("application/json, application/x-ndjson", JSON),
        ("application/json;q=0.1, application/x-ndjson;q=0.9", LINES),
        ("application/json;q=0, */*", LINES),
        ("application/json;q=0, application/*;q=0.5, */*", LINES),
        ("*/*;q=0.1, application/x-ndjson", LINES),
        ("application/json ; Q=0.000 , application/x-ndjson ; q=0.001", LINES),
        ('application/json;v="a,b;q=0";q=1, text/html', JSON),
        ('text/html;v="\\", */*"', None),
        ("application/json;q=0", None),
        ("application/json;q=0, application/x-ndjson;q=0", None),
        ("*/*;q=0", None),
        ("text/html", None),
        ("application", None),
        ("application/jsonx", None),
        ("*/json", None),
        ("application/json;q=", JSON),
        ("application/json;q=nan", JSON),
        ("application/json;q=-1", JSON),
        ("application/json;q=7", JSON),
        ("text/html;q=0.9, application/json;a*=hex''%41", JSON),
        (",", None),
    ],
)
def test_the_preferred_media_type_is_chosen(accept: str, expected: str | None) -> None:
    assert preferred(accept, (JSON, LINES)) == expected


part = st.sampled_from([JSON, LINES, "*/*", "application/*", ";q=0", ";q=0.5", ",", '"', "\\", " "])


@given(st.lists(part | st.text(max_size=5)).map("".join))
def test_negotiation_returns_an_offered_type_or_none(accept: str) -> None:
    assert preferred(accept, (JSON, LINES)) in {JSON, LINES, None}
