"""The report as one HTML page that needs nothing else."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from html import escape
from typing import Final

from slo.report import words
from slo.report.chart import chart
from slo.report.collect import Result

_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933; }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; padding: .4rem .6rem; vertical-align: top; }
th, td { border-bottom: 1px solid #d3dae1; font-variant-numeric: tabular-nums; }
.kept, .broken, .none { font-weight: 600; white-space: nowrap; }
.kept { color: #146c2e; } .broken { color: #b3261e; } .none { color: #5f6b76; }
.notes, .data { color: #5f6b76; font-size: .9rem; }
h1 { line-height: 1.2; } h2 { margin-top: 2.5rem; }
svg { width: 100%; height: auto; } svg text { font: 12px system-ui, sans-serif; fill: #5f6b76; }
"""
_COLORS: Final = (
    "Charts: the blue line is the budget left, and below the red line the promise is broken. A "
    "red band is a page, an orange one a ticket."
)
_CLASSES: Final = {words.KEPT: "kept", words.BROKEN: "broken", words.UNKNOWN: "none"}


def page(results: Sequence[Result], at: datetime) -> str:
    """Write the page: what was kept, a table of all objectives, then each one's chart."""
    title = f"Service level report, {words.day(at)}"
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<h1>{title}</h1>\n<p>{escape(_summary(results))}</p>",
            *_table(results),
            *(line for result in results for line in _section(result)),
            "</body>\n</html>\n",
        ]
    )


def _summary(results: Sequence[Result]) -> str:
    verdicts = [words.verdict(result) for result in results]
    counts = [f"{verdicts.count(each)} {each}" for each in _CLASSES if each in verdicts]
    return f"{len(results)} promises: {', '.join(counts)}."


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield "<table>\n<thead><tr>"
    yield from (f'<th scope="col">{escape(each)}</th>' for each in words.COLUMNS)
    yield "</tr></thead>\n<tbody>"
    for result in results:
        *cells, verdict = words.row(result)
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        yield f'<td class="{_CLASSES[verdict]}">{verdict}</td></tr>'
    yield '</tbody>\n</table>\n<ul class="notes">'
    yield from (f"<li>{escape(note)}</li>" for note in (*words.NOTES, _COLORS))
    yield "</ul>"


def _section(result: Result) -> Iterator[str]:
    slo = result.slo
    yield f"<h2>{escape(f'{slo.service}: {slo.title}, {result.environment}')}</h2>"
    yield f"<p>{escape(slo.description)}</p>"
    if note := words.note(result):
        yield f'<p class="data">{escape(note)}</p>'
    yield chart(result)
    if not result.incidents:
        yield "<p>No incident.</p>"
        return
    yield '<table>\n<thead><tr><th scope="col">Began</th><th scope="col">Alert</th>'
    yield '<th scope="col">Severity</th><th scope="col">Lasted</th></tr></thead>\n<tbody>'
    for each in result.incidents:
        cells = (words.time(each.begin), each.alert, each.severity, words.lasted(each, result.end))
        yield "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
    yield "</tbody>\n</table>"
