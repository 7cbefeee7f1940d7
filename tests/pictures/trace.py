"""A trace beside its log lines, as a page.

The page stands in for Jaeger's and Grafana's: their programs are built here without web pages. The
page shows answers of Jaeger and Loki.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

_STYLE = Path(__file__).with_name("trace.css").read_text()

# Of a line: Loki knows more, such as the pod's container and its labels.
_FIELDS = (
    *("reason", "cause", "method", "route", "path", "status", "duration_ms", "queue_ms"),
    *("k8s_pod_name", "logger", "request_id", "trace_id", "span_id"),
)


@dataclass(frozen=True)
class Span:
    """A span of a trace: times in microseconds, `depth` below the root."""

    name: str
    kind: str
    begin: int
    took: int
    depth: int
    failed: bool
    statement: str


def spans(trace: Mapping[str, Any]) -> list[Span]:
    """Return the spans of a trace as Jaeger's API answers it, each below its parent."""
    children: dict[str | None, list[Mapping[str, Any]]] = {}
    known = {span["spanID"] for span in trace["spans"]}
    for span in sorted(trace["spans"], key=lambda span: span["startTime"]):
        parents = [each["spanID"] for each in span["references"] if each["spanID"] in known]
        children.setdefault(parents[0] if parents else None, []).append(span)
    begin = min(span["startTime"] for span in trace["spans"])

    def below(parent: str | None, depth: int) -> Iterator[Span]:
        for span in children.get(parent, ()):
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            kind = "database" if "db.system" in tags or "db.system.name" in tags else ""
            failed = tags.get("otel.status_code") == "ERROR"
            at = span["startTime"] - begin
            statement = str(tags.get("db.statement", tags.get("db.query.text", "")))
            yield Span(span["operationName"], kind, at, span["duration"], depth, failed, statement)
            yield from below(span["spanID"], depth + 1)

    return list(below(None, 0))


def page(trace_id: str, found: Sequence[Span], lines: Iterable[Mapping[str, str]]) -> str:
    """Return the page."""
    whole = max(span.begin + span.took for span in found)
    rows = "".join(_row(span, whole) for span in found)
    return (
        f"<!doctype html><meta charset=utf-8><title>Trace</title><style>{_STYLE}</style>"
        f"<h1>{escape(found[0].name)}</h1>"
        f"<p>Trace {trace_id} · {len(found)} spans · {whole / 1000:.1f} ms</p>{rows}"
        f'<h2>Log lines: {{service_name="ports"}} | trace_id = `{trace_id}`</h2>'
        f"{''.join(map(_line, lines))}"
    )


def _row(span: Span, whole: int) -> str:
    left, width = 100 * span.begin / whole, 100 * span.took / whole
    took = f"{span.took / 1000:.2f} ms"
    # Beside the bar where there is room, else within its right end.
    place = f"left:{left + width:.2f}%" if left + width < 85 else f"right:{100 - left - width:.2f}%"
    kind = "error" if span.failed else span.kind
    return (
        f'<div class=span><div class=name style="padding-left:{8 + 16 * span.depth}px">'
        f"{escape(span.name)} <small>{escape(span.statement)}</small></div><div class=lane>"
        f'<div class="bar {kind}" style="left:{left:.2f}%;width:{width:.2f}%"></div>'
        f'<div class=took style="{place}">{took}</div></div></div>'
    )


def _line(line: Mapping[str, str]) -> str:
    severity = escape(line["severity_text"])
    fields = " ".join(
        f"<i>{name}</i>={escape(line[name])}" for name in _FIELDS if line.get(name) is not None
    )
    return f'<div class="line {severity}">{severity} <b>{escape(line["body"])}</b> {fields}</div>'
