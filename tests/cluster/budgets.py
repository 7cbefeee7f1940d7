"""Error budgets that a real Prometheus has recorded."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from slo import series
from slo.windows import BASE_WINDOW
from stack.ways import BIN

from tests.cluster.programs import run
from tests.platform.slo.real import prometheus

LEFT: Final = 0.4
SPENT: Final = -0.1


@contextmanager
def budgets(folder: Path, left: Mapping[str, float]) -> Iterator[str]:
    """A Prometheus that has recorded how much budget each environment has left; its URL."""
    folder.mkdir()
    now = int(time.time())
    lines = []
    for environment, budget in left.items():
        target = f'service_name="ports",deployment_environment_name="{environment}"'
        recorded = [(f"up{{{target}}}", 1.0)]
        for slo in ("availability", "latency", "reachability"):
            labels = f'{{{target},slo="{slo}"}}'
            recorded += [
                (series.REMAINING + labels, budget),
                (series.total(BASE_WINDOW) + labels, 5.0),
            ]
        for name, value in recorded:
            lines += [f"{name} {value} {moment}" for moment in range(now - 120, now + 1200, 60)]
    (folder / "text").write_text("\n".join([*lines, "# EOF\n"]))
    create = ("tsdb", "create-blocks-from", "openmetrics")
    run(str(BIN / "promtool"), *create, str(folder / "text"), str(folder / "data"))
    with prometheus(folder) as server:
        yield server.url
