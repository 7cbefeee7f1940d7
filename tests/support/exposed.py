"""The content of /metrics of this process."""

import re

from telemetry import exposition


def exposed(name: str) -> dict[str, float]:
    """Return the series of a name, as /metrics has them."""
    lines = exposition.render("")[1].decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if re.match(rf"{name}[{{ ]", line))
    return {series: float(value) for series, _, value in pairs}
