"""The game day's compressed time, and what `slo explain` promises in it."""

from typing import Final

from slo.declaration import load_services
from slo.explain import time_to_fire
from slo.model import Slo
from slo.rules import EVALUATION_INTERVAL, Clock
from slo.windows import BURN_WINDOWS, MISSING_HOLD, prometheus_duration
from stack.values import ROOT

SCALE: Final = 1 / 30  # an hour is two minutes
CLOCK: Final = Clock(SCALE)
LONG_WINDOW_SECONDS: Final = CLOCK.lasts(BURN_WINDOWS[0].long).total_seconds()
SLOS: Final = {slo.name: slo for slo in load_services(ROOT, "ports")["ports"]}
# Half the rules' interval: what `slo explain` does not include, the waits for the next scrape and
# for the next evaluation, then takes at most one and a half intervals.
SCRAPE_INTERVAL: Final = prometheus_duration(CLOCK.lasts(EVALUATION_INTERVAL) / 2)


def seconds(nominal: float) -> float:
    """The real length of a nominal time."""
    return nominal * SCALE


def promised(slo: Slo, background: float = 0) -> float:
    """Seconds from a total outage until the fastest page, as `slo explain --scale` tells.

    Args:
        slo: The objective.
        background: Ratio of bad events before the outage; `slo explain` assumes that none were.
    """
    return time_to_fire(slo, BURN_WINDOWS[0], CLOCK, background).total_seconds()


def missing_promised() -> float:
    """Seconds from the last answered scrape until the page about missing data."""
    return CLOCK.lasts(MISSING_HOLD).total_seconds()
