"""Queries for the dashboards' panels before Chromium draws them."""

import re
from pathlib import Path

import pytest
from stack import dashboards, panels
from stack.addresses import Addresses
from stack.errors import StackError

DRAWN = re.compile(r"^const DIAGRAMS = \{(.+)\};$", re.MULTILINE)


def test_every_kind_of_panel_can_be_drawn() -> None:
    """A row is a heading, which the page draws itself."""
    kinds = {
        panel["type"]
        for file in dashboards.FILES
        for panel in dashboards.panels(dashboards.read(file))
    }
    [drawn] = DRAWN.findall(panels.PROGRAM.with_name("page.jsx").read_text())
    assert {pair.split(":")[0].strip() for pair in drawn.split(",")} == kinds - {"row"}


def test_panels_within_rows_are_found() -> None:
    row = {"title": "row", "panels": [{"title": "within"}]}
    assert [p["title"] for p in dashboards.panels({"panels": [row]})] == ["row", "within"]


@pytest.mark.parametrize(
    ("scrape_seconds", "step_seconds", "expected"),
    [(15, 0, "60000ms"), (0.5, 15, "15500ms"), (15, 300, "315000ms")],
)
def test_a_rate_looks_back_over_four_scrapes_and_to_the_point_before(
    scrape_seconds: float, step_seconds: float, expected: str
) -> None:
    filled = dashboards.fill("rate(x[$__rate_interval])", scrape_seconds, step_seconds=step_seconds)
    assert filled == f"rate(x[{expected}])"


def test_variables_are_filled_in() -> None:
    filled = dashboards.fill(
        'x{a="$service",b="$environment",c=~"$cluster"}[$__range]', 1, shown_seconds=90
    )
    assert filled == 'x{a="ports",b="local",c=~".*"}[90s]'


def test_the_slowest_exemplar_of_each_step_is_drawn() -> None:
    def exemplars(*seen: tuple[float, float]) -> dashboards.Json:
        return {"exemplars": [{"timestamp": at, "value": str(value)} for at, value in seen]}

    series = [exemplars((1.0, 0.1), (2.0, 0.3)), exemplars((9.0, 0.2), (16.0, 0.05))]
    assert panels._sampled(series, 15) == [
        {"time": 2000.0, "value": 0.3},
        {"time": 16000.0, "value": 0.05},
    ]


def test_without_a_stack_there_is_nothing_to_draw(tmp_path: Path) -> None:
    url = Addresses().url("prometheus")
    with pytest.raises(StackError, match=f"no Prometheus at {url} .* run `make stack`"):
        panels.draw(url, tmp_path, 5, 15)
