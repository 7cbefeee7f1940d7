"""The service's error tree. Each class says when it occurs; adapters map them to statuses.

- `PortsError`
    - `Refused`: the request cannot be done; the service is healthy
        - `InvalidUnlocode`: a text is not a UN/LOCODE
        - `InvalidPort`: a record cannot be a port
        - `UnknownPort`: no port has this ID
        - `PreconditionFailed`: the port is not, or no longer, as the writer believes
    - `FeedError`: the file of ports cannot be read on
        - `DuplicateRecord`: two records of one file have the same key
        - `InvalidRecord`: a record of the file is not a port
    - `StoreUnavailable`: the store cannot answer now; later it may
"""


class PortsError(Exception):
    """Any error that this service raises on purpose."""


class Refused(PortsError):
    """The request cannot be done, and that is correct: the service itself is healthy."""


class InvalidUnlocode(Refused):
    """A text is not a UN/LOCODE."""


class InvalidPort(Refused):
    """A record cannot be a port: a field is missing, unknown, of the wrong type or out of range."""


class UnknownPort(Refused):
    """No port has this id."""


class PreconditionFailed(Refused):
    """The port is not, or no longer, what the writer believes it is."""


class StoreUnavailable(PortsError):
    """The store cannot answer now; later it may."""


class FeedError(PortsError):
    """The file of ports cannot be read on; nothing after this point is known."""

    def __init__(self, reason: str, number: int | None = None, key: str | None = None) -> None:
        """Name the record, where there is one.

        Args:
            reason: What is wrong and, where it helps, what to do.
            number: The record's place in the file, from 1.
            key: The record's key as it stands in the file.
        """
        self.reason = reason
        self.number = number
        self.key = key
        place = "" if number is None else f"record {number}"
        if key is not None:
            place += f" ({shown(key)})"
        super().__init__(f"{place}: {reason}" if place else reason)


class DuplicateRecord(FeedError):
    """Two records of one file have the same key."""


class InvalidRecord(FeedError):
    """A record of the file is not a port; the records around it may be."""


def shown(value: object, limit: int = 60) -> str:
    """Return a value of unknown origin in printable ASCII, quoted, at most about `limit` long."""
    text = ascii(value[:limit] if isinstance(value, str) else value)
    return text if len(text) <= limit + 2 else f"{text[:limit]}…"
