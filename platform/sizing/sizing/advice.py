"""The profile that has room for a load."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sizing.capacity import Room
from sizing.demand import Need

HEADROOM: Final = 1.5
"""Memory limit over computed memory, for queries, rules and compaction. Chosen, not measured."""


@dataclass(frozen=True)
class Line:
    """One component: what each replica needs, and what its chart gives it, in bytes."""

    component: str
    need: Need
    room: Room

    @property
    def lacks(self) -> tuple[str, ...]:
        """Name what the component has too little of: memory, disk, or a measurement at the rate."""
        memory = ("memory",) if self.need.memory * HEADROOM > self.room.memory else ()
        disk = ("disk",) if self.need.disk > self.room.disk else ()
        rate = () if self.need.is_measured else ("measurement",)
        return memory + disk + rate


def lines(needs: Mapping[str, Need], rooms: Mapping[str, Room]) -> list[Line]:
    """Put need and room of each component beside each other."""
    return [Line(name, need, rooms[name]) for name, need in needs.items()]


def profile(compared: Sequence[Line]) -> str:
    """Return `single` if one replica of each component has room, else `scaled`."""
    return "scaled" if any(line.lacks for line in compared) else "single"
