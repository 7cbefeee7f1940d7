"""The page docs/benchmarks.md: each benchmark writes its own section and leaves the others.

A section that was never measured is a pair of markers in the page, which nobody sees.
"""

import os
import platform
import re
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.service import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"


def machine() -> str:
    """Return one line about this machine, and how busy it was."""
    model = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{os.cpu_count()} cores ({model[1] if model else platform.machine()}), {memory:.0f} GiB,"
        f" Linux {platform.release()}, Python {platform.python_version()}, on"
        f" {datetime.now(UTC):%Y-%m-%d}. The load average at the end was {os.getloadavg()[0]:.1f}"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table, its numbers to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios that rounds which take turns came to."""
    return statistics.median(one / other for one, other in zip(ones, others, strict=True))


def write(section: str, about: str, command: str, text: str) -> None:
    """Replace a section of the page.

    Args:
        section: Its name in the page's markers.
        about: Its heading, and what its figures mean.
        command: What made it.
        text: Its tables.

    Raises:
        LookupError: The page has no such section.
    """
    page = PAGE.read_text()
    begin, end = f"<!-- {section} begins -->\n", f"<!-- {section} ends -->"
    if begin not in page or end not in page:
        raise LookupError(f"{PAGE} has no section {section}")
    head, _, rest = page.partition(begin)
    tail = rest.partition(end)[2]
    made = f"{about.strip()}\n\nMade by `{command}` on {machine()}.\n\n{text.strip()}\n"
    PAGE.write_text(f"{head}{begin}{made}{end}{tail}")
    print(f"{section}: written to {PAGE.relative_to(ROOT)}")
