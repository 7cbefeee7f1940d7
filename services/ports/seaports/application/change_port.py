"""Put or delete one port, if it is still what the writer believes it is."""

from seaports.application.interfaces import PortStore, Precondition
from seaports.domain.port import Port, Unlocode


def put_port(store: PortStore, port: Port, precondition: Precondition) -> bool:
    """Create or replace a port; return whether it was created.

    Raises:
        PreconditionFailed: The precondition does not hold.
    """
    return store.put(port, precondition)


def delete_port(store: PortStore, port_id: Unlocode, precondition: Precondition) -> None:
    """Delete a port.

    Raises:
        UnknownPort: No port has this id.
        PreconditionFailed: The precondition does not hold.
    """
    store.delete(port_id, precondition)
