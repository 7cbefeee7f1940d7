"""The Tiltfile, evaluated with the real service chart and recorded upstream ones."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.platform.chart import render
from tests.platform.charts import facts
from tests.platform.charts.releases import WITHOUT_TILT
from tests.platform.tilt import recorder
from tests.platform.tilt.recorder import Recorded

# In place of the upstream charts, which are not everywhere: what they render, as recorded.
STAND_INS = {f"platform/{chart}" for chart in facts.read()["charts"].keys() - WITHOUT_TILT}


def helm_of(root: Path) -> Callable[..., str]:
    def helm(chart: str, **options: Any) -> str:
        if chart in STAND_INS:
            return joined(facts.objects(chart.removeprefix("platform/"), options["namespace"]))
        values = [part for file in options["values"] for part in ("--values", file)]
        sets = [part for each in options["set"] for part in ("--set", each)]
        rendered = render.objects(
            render.template(*values, *sets, release=options["name"], root=root)
        )
        for each in rendered:  # as Tilt does
            each["metadata"].setdefault("namespace", options["namespace"])
        return joined(rendered)

    return helm


def joined(found: list[dict[str, Any]]) -> str:
    return "---\n".join(json.dumps(each) + "\n" for each in found)


def evaluate(
    parts: str | None = None, root: Path = render.ROOT, subcommand: str = "up"
) -> Recorded:
    flags = {"parts": parts} if parts else {}
    return recorder.evaluate(root, helm_of(root), subcommand, **flags)
