"""A timeline of each scenario, printed and written to docs/."""

import time
from dataclasses import dataclass, field
from typing import Final

from tests.gameday.clock import SCALE

TOLERANCE: Final = 0.2  # of the promise


@dataclass
class Detection:
    """The time to detect, beside the predicted time, in seconds of compressed time.

    Attributes:
        alert: Which alert told.
        source: Who promised.
        promised: Seconds promised.
        measured: Seconds from the fault until the alert fired.
        background: Ratio of bad events before the fault, in the alert's long window.
        expected: What the promise is with that background; the promise itself, if there was none.
    """

    alert: str
    source: str
    promised: float
    measured: float
    background: float = 0
    expected: float | None = None

    @property
    def deviation(self) -> float:
        """Difference as a share of the promise."""
        return self.measured / self.promised - 1

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept, a fifth more or less."""
        expected = self.promised if self.expected is None else self.expected
        return abs(self.measured / expected - 1) <= TOLERANCE

    def __str__(self) -> str:
        before = f"; {self.background:.2%} bad before the fault" if self.background else ""
        return (
            f"{self.alert} after {self.measured:.2f} s, promised {self.promised:.2f} s "
            f"({self.deviation:+.0%}; at full length {nominal(self.measured)}, "
            f"promised {nominal(self.promised)}{before})"
        )


@dataclass
class Timeline:
    """Moments of one scenario, in seconds of Unix time."""

    title: str
    moments: list[tuple[float, str]] = field(default_factory=list)
    detection: Detection | None = None

    def mark(self, what: str, at: float | None = None) -> float:
        """Note a moment, now unless given; return it."""
        at = time.time() if at is None else at
        self.moments.append((at, what))
        return at

    def lines(self) -> list[str]:
        """Print it: seconds since the first moment."""
        ordered = sorted(self.moments)
        rows = [f"{at - ordered[0][0]:8.2f} s  {what}" for at, what in ordered]
        return rows if self.detection is None else [*rows, f"{'':12}detected: {self.detection}"]


def title(test: str) -> str:
    """The sentence that a test's name is."""
    sentence = test.removeprefix("test_").replace("_", " ")
    return sentence[0].upper() + sentence[1:]


def nominal(compressed: float) -> str:
    """Print a compressed time at its full length, in minutes and seconds."""
    minutes, seconds = divmod(round(compressed / SCALE), 60)
    return f"{minutes} min {seconds:02d} s"


def page(timelines: list[Timeline]) -> str:
    """Write the page of the last game day."""
    rows = [
        f"| {t.title} | {d.alert} | {d.source} | {nominal(d.promised)} | {nominal(d.measured)} | "
        f"{d.deviation:+.0%} |"
        for t in timelines
        if (d := t.detection) is not None
    ]
    told = [f"### {t.title}\n```text\n{chr(10).join(t.lines())}\n```" for t in timelines]
    return _PAGE.format(
        scale=round(1 / SCALE), rows="\n".join(rows), told="\n\n".join(told), tolerance=TOLERANCE
    )


_PAGE: Final = """\
# Game day

`make gameday` breaks a running stack in different ways ([decision](decisions/0040-game-day.md)). It
checks that alerts fire in time, that the commands of the runbooks find the cause, and that queues
keep data. `make gameday REPORT=1` wrote this page at its last run.

Time is compressed {scale}-fold. `slo generate --scale` generates the rules of services. Rules of
the pipeline and the routes of Alertmanager have durations that shrink by the same factor. A test
checks that a scale of 1 gives the committed files. Stopping and starting a program takes its real
time.

## Time to detect
The table shows the time from the fault until the alert fires, converted to real time. The promised
time does not include the next scrape and the next evaluation. A difference of more than
{tolerance:.0%} fails the game day. On a busy machine some requests are slow before the
fault, so the alert fires earlier. The timeline shows by how much, and the check allows for it.

| scenario | alert | promised by | promised | measured | difference |
|---|---|---|---|---|---|
{rows}

## Timelines
The times are seconds of compressed time since the start of the scenario: 1 s stands for {scale} s.

{told}
"""
