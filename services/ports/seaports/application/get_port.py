"""Get one port."""

from seaports.application.interfaces import Document, PortStore
from seaports.domain.errors import UnknownPort
from seaports.domain.port import Unlocode


def get_port(store: PortStore, port_id: Unlocode) -> Document:
    """Return the port's document.

    Raises:
        UnknownPort: No port has this id.
    """
    document = store.get(port_id)
    if document is None:
        raise UnknownPort(f"no port has the id {port_id}")
    return document
