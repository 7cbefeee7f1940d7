"""An error budget over a window, drawn as SVG."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from html import escape
from typing import Final

from slo.report import words
from slo.report.collect import Result

_WIDTH, _HEIGHT = 960, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 12, 12, 28
# Where the picture of a spent budget ends: a line below would press all above zero together, and
# one close to zero would meet zero's label.
_LOWEST, _HIGHEST = -1.0, -0.25
_COLORS: Final = {"page": "#b3261e", "ticket": "#b26a00"}
# Longer than a step of the data: then the line is broken.
_GAP: Final = 2.5


def chart(result: Result) -> str:
    """Draw how much of the budget was left, and when alerts fired."""
    if not result.left:
        return '<p class="data">No data to draw.</p>'
    least = min(value for _, value in result.left)
    lowest = 0.0 if least >= 0 else min(_HIGHEST, max(_LOWEST, least))
    scale = _Scale(result.begin, result.end, lowest)
    title = f"Error budget left, {words.span(result)}, with {words.counted(result.incidents)}"
    return "\n".join(
        [
            f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(title)}">',
            f"<title>{escape(title)}</title>",
            *_incidents(result, scale),
            *_axes(scale),
            f'<path d="{_line(result, scale)}" fill="none" stroke="#1d5fa8" stroke-width="2"/>',
            "</svg>",
        ]
    )


class _Scale:
    """Where a moment and a share of the budget are in the picture."""

    def __init__(self, begin: datetime, end: datetime, lowest: float) -> None:
        self.begin, self.end, self.lowest = begin, end, lowest

    def x(self, moment: datetime) -> float:
        share = (moment - self.begin) / (self.end - self.begin)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, left: float) -> float:
        share = (1 - max(left, self.lowest)) / (1 - self.lowest)
        return round(_TOP + share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _line(result: Result, scale: _Scale) -> str:
    usual = min(
        (late - early for (early, _), (late, _) in zip(result.left, result.left[1:], strict=False)),
        default=timedelta.max,
    )
    parts, previous = [], None
    for moment, value in result.left:
        joined = previous is not None and moment - previous <= usual * _GAP
        parts.append(f"{'L' if joined else 'M'}{scale.x(moment)} {scale.y(value)}")
        previous = moment
    return " ".join(parts)


def _incidents(result: Result, scale: _Scale) -> Iterator[str]:
    for each in result.incidents:
        left = scale.x(each.begin)
        width = max(1.5, scale.x(each.end or result.end) - left)
        told = f"{each.alert}: {words.time(each.begin)}, {words.lasted(each, result.end)}"
        yield (
            f'<rect x="{left}" y="{_TOP}" width="{width:.1f}" height="{_HEIGHT - _TOP - _BOTTOM}" '
            f'fill="{_COLORS.get(each.severity, "#5f6b76")}" fill-opacity=".25">'
            f"<title>{escape(told)}</title></rect>"
        )


def _axes(scale: _Scale) -> Iterator[str]:
    for left in (1.0, 0.5, 0.0, *((scale.lowest,) if scale.lowest < 0 else ())):
        y = scale.y(left)
        color = "#b3261e" if left == 0 else "#d3dae1"
        yield f'<line x1="{_LEFT}" y1="{y}" x2="{_WIDTH - _RIGHT}" y2="{y}" stroke="{color}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{left:.0%}</text>'
    days = (scale.end - scale.begin).days
    step = timedelta(days=max(1, round(days / 6)))
    moment = scale.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    while moment < scale.end - step / 3:
        if moment >= scale.begin:
            yield (
                f'<text x="{scale.x(moment)}" y="{_HEIGHT - 8}" text-anchor="start">'
                f"{moment:%-d %b}</text>"
            )
        moment += step
