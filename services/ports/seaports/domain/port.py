"""A seaport and what makes one valid."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple, NewType

from seaports.domain.errors import InvalidPort, InvalidUnlocode, shown

Unlocode = NewType("Unlocode", str)
"""A UN/LOCODE in upper case, such as `AEAJM`: what `unlocode` returns."""

# Two letters for the country, then three letters or digits 2-9: UN/LOCODE Manual, part 1 of UNECE
# Recommendation No. 16 (0 and 1 are left out, they read like O and I).
UNLOCODE_PATTERN: Final = r"[A-Z]{2}[A-Z2-9]{3}"
_is_unlocode = re.compile(UNLOCODE_PATTERN).fullmatch

MAX_TEXT: Final = 200
"""Longest text of a field, in characters; the longest in the data set has 45."""
MAX_ITEMS: Final = 100
"""Most items of a list; the longest in the data set has 3."""


Coordinates = tuple[float, float]
"""A place on the globe in degrees: WGS 84, longitude first, as in GeoJSON (RFC 7946)."""


class Port(NamedTuple):
    """A seaport. Immutable; equal when all fields are."""

    id: Unlocode
    name: str
    city: str
    country: str
    alias: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    coordinates: Coordinates | None = None
    province: str | None = None
    timezone: str | None = None
    unlocs: tuple[Unlocode, ...] = ()
    code: str | None = None


TEXT_PATTERN: Final = r"[^\u0000-\u001f\u007f-\u009f\u2028\u2029]+"
"""A text of one line: no control character (C0, DEL, C1), no line or paragraph separator."""
_is_one_line = re.compile(TEXT_PATTERN).fullmatch

_ABSENT: Final = dict.fromkeys(Port._fields[1:])
"""A record without any field."""


def unlocode(text: str) -> Unlocode:
    """Return the UN/LOCODE that a text stands for, whatever its case.

    Raises:
        InvalidUnlocode: The text is not two letters and three letters or digits 2-9.
    """
    code = text.upper()
    # Upper-casing may lengthen a text or turn a dotless i into ASCII: only ASCII counts.
    if not text.isascii() or not _is_unlocode(code):
        raise InvalidUnlocode(
            f"{shown(text)} is not a UN/LOCODE: two letters, then three letters or digits 2-9"
        )
    return Unlocode(code)


def port_from_record(key: str, record: object) -> Port:
    """Return the port that a record of a feed describes.

    Args:
        key: The port's UN/LOCODE in upper case: in a file one port has one spelling.
        record: The decoded JSON value. `name`, `city` and `country` are required. A missing list is
            empty; missing `unlocs` are the key alone. Any other field that is missing or null is
            unknown.

    Raises:
        InvalidPort: The record breaks a rule; the message names the field.
    """
    if not _is_unlocode(key):
        raise InvalidPort(
            f"the key {shown(key)} is not a UN/LOCODE: two capital letters, then three capital"
            " letters or digits 2-9"
        )
    if not isinstance(record, Mapping):
        raise InvalidPort(f"is {_kind(record)}, not an object")
    try:
        (
            name,
            city,
            country,
            alias,
            regions,
            coordinates,
            province,
            timezone,
            unlocs,
            code,
        ) = {**_ABSENT, **record}.values()
    except ValueError:
        unknown = sorted(shown(field) for field in record.keys() - _ABSENT.keys())
        raise InvalidPort(f"unknown field {', '.join(unknown[:5])}") from None
    return Port(
        Unlocode(key),
        _text("name", name),
        _text("city", city),
        _text("country", country),
        () if alias == [] else _texts("alias", alias),
        () if regions == [] else _texts("regions", regions),
        _coordinates(coordinates),
        _optional("province", province),
        _optional("timezone", timezone),
        (Unlocode(key),) if unlocs == [key] else _unlocs(key, unlocs),
        _optional("code", code),
    )


def _optional(field: str, value: object) -> str | None:
    return None if value is None else _text(field, value)


def _text(field: str, value: object) -> str:
    if isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable():
        return value
    if value is None:
        raise InvalidPort(f"{field} is missing")
    if not isinstance(value, str):
        raise InvalidPort(f"{field} is {_kind(value)}, not a string")
    if not value:
        raise InvalidPort(f"{field} is empty")
    if len(value) > MAX_TEXT:
        raise InvalidPort(f"{field} has {len(value)} characters, over {MAX_TEXT}")
    if not _is_one_line(value):
        raise InvalidPort(f"{field} {shown(value)} contains a control character or a line break")
    return value


def _texts(field: str, value: object) -> tuple[str, ...]:
    if not value and (value is None or isinstance(value, list)):
        return ()
    if not isinstance(value, list):
        raise InvalidPort(f"{field} is {_kind(value)}, not a list")
    if len(value) > MAX_ITEMS:
        raise InvalidPort(f"{field} has {len(value)} items, over {MAX_ITEMS}")
    return tuple([_text(f"an item of {field}", item) for item in value])


def _unlocs(key: str, value: object) -> tuple[Unlocode, ...]:
    if value is None:
        return (Unlocode(key),)
    codes = _texts("unlocs", value)
    for code in codes:
        if not _is_unlocode(code):
            raise InvalidPort(f"an item of unlocs, {shown(code)}, is not a UN/LOCODE")
    return tuple([Unlocode(code) for code in codes])


def _coordinates(value: object) -> Coordinates | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise InvalidPort(f"coordinates is {_kind(value)}, not a list of two numbers")
    if len(value) != 2:  # noqa: PLR2004 - a pair
        raise InvalidPort(f"coordinates has {len(value)} items, not two: longitude, latitude")
    lon, lat = value
    if type(lon) is type(lat) is float and -180 <= lon <= 180 and -90 <= lat <= 90:  # noqa: PLR2004
        return lon, lat
    # A bool is an int to Python, not to JSON. Each comparison is false for NaN.
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise InvalidPort(f"coordinates contains {_kind(number)}, not a number")
    if not -180 <= lon <= 180:  # noqa: PLR2004 - degrees
        raise InvalidPort(f"longitude {lon} is outside -180..180 (longitude comes first)")
    if not -90 <= lat <= 90:  # noqa: PLR2004 - degrees
        raise InvalidPort(f"latitude {lat} is outside -90..90 (longitude comes first)")
    return float(lon), float(lat)


def _kind(value: object) -> str:
    """Return what JSON calls the type of a decoded value."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean"}
    if value is None:
        return "null"
    return names.get(type(value), "a number")
