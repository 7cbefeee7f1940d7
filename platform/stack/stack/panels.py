"""The dashboards' panels of a running stack, with data of its Prometheus, drawn to PNG.

Drawn by tools/panels with Grafana's own components, from the JSON that Grafana is provisioned with.
"""

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from stack import dashboards
from stack.dashboards import Json
from stack.errors import StackError
from stack.values import ROOT

PROGRAM: Final = ROOT / "tools" / "panels" / "draw.mjs"
# As the data source's timeInterval says, and about as many points as a panel is wide.
SCRAPE_SECONDS: Final = 15.0
POINTS: Final = 700


def draw(
    prometheus: str,
    folder: Path,
    minutes: float,
    scrape_seconds: float,
    *,
    files: Sequence[Path] = dashboards.FILES,
    width: int = 1600,
    end: float | None = None,
) -> str:
    """Draw dashboards over some minutes; return what the program said, a line for each.

    Args:
        prometheus: Address of the Prometheus that answers the queries.
        folder: Takes a picture for each dashboard, named by its UID.
        minutes: How much the dashboards show.
        scrape_seconds: Interval of the scrapes.
        files: The dashboards.
        width: Of a dashboard, in pixels.
        end: Unix time of the last moment that is shown; now by default.

    Raises:
        StackError: If no Prometheus answers, or the program fails.
    """
    # Whole seconds: the last point lies on the edge, not a fraction of a millisecond beyond it.
    end = float(int(time.time() if end is None else end))
    begin = end - 60 * minutes
    drawn = [
        _answered(prometheus, dashboards.read(file), begin, end, scrape_seconds) for file in files
    ]
    folder.mkdir(parents=True, exist_ok=True)
    answers = folder / "answers.json"
    answers.write_text(json.dumps(drawn))
    command = ["node", str(PROGRAM), str(answers), str(folder), str(width)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise StackError(f"{PROGRAM.name} exited with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


def _answered(
    prometheus: str, dashboard: Json, begin: float, end: float, scrape_seconds: float
) -> Json:
    """A dashboard with the answers to all its queries, as tools/panels takes it."""
    step = max(scrape_seconds, (end - begin) / POINTS)
    answers: dict[int, list[Any]] = {}
    exemplars: dict[int, list[Json]] = {}
    for panel in dashboards.panels(dashboard):
        answers[panel["id"]] = found = []
        for target in panel.get("targets", ()):
            query = dashboards.fill(
                target["expr"], scrape_seconds, shown_seconds=end - begin, step_seconds=step
            )
            asked = {"query": query}
            if target.get("instant"):
                found.append(_ask(prometheus, "query", asked, time=end))
            else:
                found.append(
                    _ask(prometheus, "query_range", asked, start=begin, end=end, step=step)
                )
            if target.get("exemplar"):
                series = _ask(prometheus, "query_exemplars", asked, start=begin, end=end)
                exemplars[panel["id"]] = _sampled(series, step)
    return {
        "dashboard": dashboard,
        "answers": answers,
        "exemplars": exemplars,
        "from": 1000 * begin,
        "to": 1000 * end,
    }


def _sampled(series: list[Json], step: float) -> list[Json]:
    """The slowest exemplar of each step: all of them would hide the panel."""
    slowest: dict[int, Json] = {}
    for exemplar in (each for one in series for each in one["exemplars"]):
        moment = {"time": 1000 * exemplar["timestamp"], "value": float(exemplar["value"])}
        at = int(exemplar["timestamp"] / step)
        slowest[at] = max(slowest.get(at, moment), moment, key=lambda each: each["value"])
    return list(slowest.values())


def _ask(prometheus: str, endpoint: str, asked: Mapping[str, str], **times: float) -> Any:
    body = urllib.parse.urlencode({**asked, **times}).encode()
    url = f"{prometheus}/api/v1/{endpoint}"
    try:
        with urllib.request.urlopen(url, body, timeout=30) as answer:  # noqa: S310 - http, local
            return json.load(answer)["data"]
    except urllib.error.HTTPError as error:
        raise StackError(f"{url}: {error.read().decode()}: {asked['query']}") from error
    except OSError as error:
        raise StackError(
            f"no Prometheus at {prometheus} ({error}): run `make stack` in another terminal"
        ) from error
