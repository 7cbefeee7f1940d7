"""When an alert fires into a total outage."""

from datetime import timedelta

import pytest
from slo.declaration import load_services
from slo.explain import time_to_fire
from slo.rules import Clock
from slo.windows import BURN_WINDOWS

from tests.service import ROOT

[AVAILABILITY, LATENCY, *_] = load_services(ROOT, "ports")["ports"]
FASTEST = BURN_WINDOWS[0]


@pytest.mark.parametrize(
    ("background", "seconds"),
    [
        (0, 0.144 * 3600 + 120),
        (0.044, 0.1 / 0.956 * 3600 + 120),
        (0.144, 120),
        (0.5, 120),  # the threshold has been crossed before
    ],
)
def test_bad_events_before_an_outage_make_the_page_fire_earlier(
    background: float, seconds: float
) -> None:
    fires = time_to_fire(LATENCY, FASTEST, Clock(), background)
    assert fires / timedelta(seconds=1) == pytest.approx(seconds)


def test_compressed_time_compresses_all_of_it() -> None:
    nominal = time_to_fire(AVAILABILITY, FASTEST, Clock())
    assert time_to_fire(AVAILABILITY, FASTEST, Clock(0.5)) == nominal / 2
