"""Schemas of requests and responses, which the OpenAPI document shows."""

from typing import Annotated, Final

from ninja import Schema
from pydantic import ConfigDict, Field, Strict, WithJsonSchema
from service.django.parser import StrictQuery

from seaports.application.list_ports import DEFAULT_LIMIT, MAX_LIMIT
from seaports.domain.port import MAX_ITEMS, MAX_TEXT, TEXT_PATTERN, UNLOCODE_PATTERN

ANY_CASE_UNLOCODE: Final = "^[A-Za-z]{2}[A-Za-z2-9]{3}$"
MAX_QUERY_TEXT: Final = 100

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=f"^{TEXT_PATTERN}$")]
Code = Annotated[str, Field(pattern=f"^{UNLOCODE_PATTERN}$", examples=["AEAJM"])]
AnyCaseCode = Annotated[str, Field(pattern=ANY_CASE_UNLOCODE, examples=["AEAJM"])]
Texts = Annotated[list[Text], Field(max_length=MAX_ITEMS)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
LonLat = Annotated[
    tuple[Longitude, Latitude],
    # Strictness is about numbers that are texts; a JSON array is a list to Python, never a tuple.
    Strict(strict=False),
    # As OpenAPI 3.1 wants it; Ninja writes a tuple as the JSON Schema of old did.
    WithJsonSchema(
        {
            "type": "array",
            "prefixItems": [
                {"type": "number", "minimum": -180, "maximum": 180},
                {"type": "number", "minimum": -90, "maximum": 90},
            ],
            "minItems": 2,
            "maxItems": 2,
        }
    ),
]
FilterText = Annotated[
    str, Field(min_length=1, max_length=MAX_QUERY_TEXT, pattern=f"^{TEXT_PATTERN}$")
]


class PortIn(Schema):
    """A port to be put. A list left out is empty; any other optional field left out is unknown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: AnyCaseCode | None = Field(None, description="If given, the id in the path.")
    name: Text
    city: Text
    country: Text
    alias: Texts | None = None
    regions: Texts | None = None
    coordinates: LonLat | None = Field(None, description="Longitude, latitude (WGS 84).")
    province: Text | None = None
    timezone: Text | None = None
    unlocs: Annotated[list[Code], Field(max_length=MAX_ITEMS)] | None = Field(
        None, description="Left out: the id alone."
    )
    code: Text | None = None


class PortOut(Schema):
    """A seaport. An unknown value is null."""

    id: Code
    name: str
    city: str
    country: str
    alias: list[str]
    regions: list[str]
    # Served as prepared, so only described here, and in the plain way that every tool reads.
    coordinates: Annotated[list[Longitude], Field(min_length=2, max_length=2)] | None = Field(
        description="Longitude, latitude (WGS 84)."
    )
    province: str | None
    timezone: str | None
    unlocs: list[Code]
    code: str | None


class PageOut(Schema):
    """A page of ports in the order of their ids."""

    items: list[PortOut]
    next: Code | None = Field(description="Where more follow: the `cursor` of the next page.")


class ListQuery(StrictQuery):
    """The ports to list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] | None = Field(
        None,
        description=f"How many at most; {DEFAULT_LIMIT} by default, in a stream all.",
    )
    cursor: AnyCaseCode | None = Field(None, description="`next` of the page before.")
    country: FilterText | None = Field(
        None,
        description="Only ports of this country, by name, whatever the case.",
        examples=["United Arab Emirates"],
    )
    q: FilterText | None = Field(
        None, description="Only ports whose name contains this, whatever the case."
    )
