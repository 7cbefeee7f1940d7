"""A port as JSON: the one place that decides what is served for a port."""

import orjson

from seaports.application.interfaces import Document
from seaports.domain.port import Port


def encode(port: Port) -> Document:
    """Return the port as one JSON object in UTF-8; what is unknown is null."""
    return orjson.dumps(
        {
            "id": port.id,
            "name": port.name,
            "city": port.city,
            "country": port.country,
            "alias": port.alias,
            "regions": port.regions,
            "coordinates": port.coordinates,
            "province": port.province,
            "timezone": port.timezone,
            "unlocs": port.unlocs,
            "code": port.code,
        }
    )
