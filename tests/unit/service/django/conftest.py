"""A clock that tests move by hand, in the place of the circuit breaker's."""

import pytest
from service.django.postgresql import breaker


class Clock:
    """Seconds since a moment, as `time` counts them."""

    now = 1000.0

    def monotonic(self) -> float:
        """Return the seconds."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(breaker, "time", clock)
    return clock
