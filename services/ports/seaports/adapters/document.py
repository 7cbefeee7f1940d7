"""A port as JSON: the one place that decides what is served for a port."""

import orjson

from seaports.application.interfaces import Document
from seaports.domain.port import Port


def encode(port: Port) -> Document:
    """Return the port as one JSON object in UTF-8; what is unknown is null."""
    document = orjson.dumps(
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
    # A copy of the right size: orjson cuts its result out of a buffer of 1 KB and more, whose rest
    # malloc cannot use. A million documents of 219 bytes held 4.1 GB without this, 0.27 GB with it.
    return memoryview(document).tobytes()
