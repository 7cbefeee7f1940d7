import json
from pathlib import Path
from typing import Any

import pytest
from seaports.domain.errors import InvalidPort, InvalidUnlocode
from seaports.domain.port import MAX_ITEMS, MAX_TEXT, Port, port_from_record, unlocode

DATA = Path(__file__).parents[4] / "services/ports/data/ports.json"
AJMAN = {
    "name": "Ajman",
    "city": "Ajman",
    "country": "United Arab Emirates",
    "alias": [],
    "regions": [],
    "coordinates": [55.5136433, 25.4052165],
    "province": "Ajman",
    "timezone": "Asia/Dubai",
    "unlocs": ["AEAJM"],
    "code": "52000",
}


def test_a_whole_record_becomes_a_port() -> None:
    assert port_from_record("AEAJM", AJMAN) == Port(
        id="AEAJM",  # type: ignore[arg-type]
        name="Ajman",
        city="Ajman",
        country="United Arab Emirates",
        alias=(),
        regions=(),
        coordinates=(55.5136433, 25.4052165),
        province="Ajman",
        timezone="Asia/Dubai",
        unlocs=("AEAJM",),  # type: ignore[arg-type]
        code="52000",
    )


def test_every_record_of_the_data_set_is_a_port() -> None:
    records = json.loads(DATA.read_text())
    ports = [port_from_record(key, record) for key, record in records.items()]
    assert len(ports) == 1634
    assert sum(port.coordinates is None for port in ports) == 24
    assert sum(len(port.unlocs) == 2 for port in ports) == 16


def test_missing_and_null_fields_are_unknown_and_unlocs_defaults_to_the_key() -> None:
    sparse = port_from_record("AEAJM", {"name": "A", "city": "B", "country": "C"})
    nulls = dict.fromkeys(["alias", "regions", "coordinates", "province", "timezone", "unlocs"])
    assert sparse == Port("AEAJM", "A", "B", "C", unlocs=("AEAJM",))  # type: ignore[arg-type]
    assert port_from_record("AEAJM", {"name": "A", "city": "B", "country": "C", **nulls}) == sparse


@pytest.mark.parametrize("text", ["AEAJM", "aeajm", "AeAjM"])
def test_a_unlocode_is_read_in_any_case(text: str) -> None:
    assert unlocode(text) == "AEAJM"


@pytest.mark.parametrize(
    "text",
    ["", "AEAJ", "AEAJMX", "1EAJM", "AEAJ0", "AEAJ1", "AE JM", "AEAJM\n", "ÄEAJM", "aeaj\u0131"],
)
def test_an_invalid_unlocode_is_refused(text: str) -> None:
    with pytest.raises(InvalidUnlocode, match="is not a UN/LOCODE: two letters, then three"):
        unlocode(text)


@pytest.mark.parametrize("key", ["aeajm", "AEAJ", "", "AEAJM ", "AEAJ\u00b2"])
def test_a_key_has_one_spelling(key: str) -> None:
    with pytest.raises(InvalidPort, match=r"^the key '.*' is not a UN/LOCODE: two capital"):
        port_from_record(key, AJMAN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": None}, "name is missing"),
        ({"name": ""}, "name is empty"),
        ({"name": 7}, "name is a number, not a string"),
        ({"city": ["x"]}, "city is a list, not a string"),
        ({"country": {}}, "country is an object, not a string"),
        ({"province": True}, "province is a boolean, not a string"),
        ({"code": 52000}, "code is a number, not a string"),
        ({"name": "x" * (MAX_TEXT + 1)}, f"name has {MAX_TEXT + 1} characters, over {MAX_TEXT}"),
        ({"name": "a\nb"}, r"name 'a\nb' contains a control character or a line break"),
        ({"name": "a\u2028b"}, r"name 'a\u2028b' contains a control character or a line break"),
        ({"timezone": "\x85"}, r"timezone '\x85' contains a control character or a line break"),
        ({"alias": "x"}, "alias is a string, not a list"),
        ({"alias": 0}, "alias is a number, not a list"),
        ({"alias": False}, "alias is a boolean, not a list"),
        ({"alias": [None]}, "an item of alias is missing"),
        ({"regions": ["x"] * (MAX_ITEMS + 1)}, f"regions has {MAX_ITEMS + 1} items, over"),
        ({"unlocs": ["aeajm"]}, "an item of unlocs, 'aeajm', is not a UN/LOCODE"),
        ({"unlocs": "AEAJM"}, "unlocs is a string, not a list"),
        ({"coordinates": "55,25"}, "coordinates is a string, not a list of two numbers"),
        ({"coordinates": [1]}, "coordinates has 1 items, not two: longitude, latitude"),
        ({"coordinates": [1, 2, 3]}, "coordinates has 3 items, not two"),
        ({"coordinates": ["1", 2]}, "coordinates contains a string, not a number"),
        ({"coordinates": [1, True]}, "coordinates contains a boolean, not a number"),
        ({"coordinates": [None, 1]}, "coordinates contains null, not a number"),
        ({"coordinates": [180.1, 0]}, "longitude 180.1 is outside -180..180"),
        ({"coordinates": [25, 155]}, "latitude 155 is outside -90..90 (longitude comes first)"),
        ({"coordinates": [float("nan"), 0]}, "longitude nan is outside"),
        ({"coordinates": [0, float("-inf")]}, "latitude -inf is outside"),
        ({"colour": "x"}, "unknown field 'colour'"),
        ({"id": "AEAJM"}, "unknown field 'id'"),
    ],
)
def test_a_record_that_breaks_a_rule_is_refused_by_name(change: Any, message: str) -> None:
    with pytest.raises(InvalidPort) as caught:
        port_from_record("AEAJM", {**AJMAN, **change})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("record", "kind"),
    [([], "a list"), ("x", "a string"), (3, "a number"), (None, "null"), (True, "a boolean")],
)
def test_a_record_that_is_no_object_is_refused(record: object, kind: str) -> None:
    with pytest.raises(InvalidPort, match=f"^is {kind}, not an object$"):
        port_from_record("AEAJM", record)


@pytest.mark.parametrize("edge", [[-180, -90], [180, 90], [0, 0], [1.5, -2]])
def test_coordinates_at_the_edges_of_the_globe_are_right(edge: list[float]) -> None:
    port = port_from_record("AEAJM", {**AJMAN, "coordinates": edge})
    assert port.coordinates == tuple(edge)


def test_a_text_of_the_greatest_length_with_an_unusual_blank_is_right() -> None:
    name = "\u00a0" + "ø" * (MAX_TEXT - 1)
    assert port_from_record("AEAJM", {**AJMAN, "name": name}).name == name
