"""The report as Markdown, for a wiki or a chat."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from slo.report import words
from slo.report.collect import Result


def markdown(results: Sequence[Result], at: datetime) -> str:
    """Write the report: a table of all objectives, then each one's incidents."""
    return "\n".join(_lines(results, at)) + "\n"


def _lines(results: Sequence[Result], at: datetime) -> Iterator[str]:
    yield f"# Service level report, {words.day(at)}\n"
    yield _row(words.COLUMNS)
    yield _row(["---"] * len(words.COLUMNS))
    yield from (_row(words.row(result)) for result in results)
    yield ""
    yield from (f"- {note}" for note in words.NOTES)
    for result in results:
        note = words.note(result)
        if not (result.incidents or note):
            continue
        yield f"\n## {result.slo.service} {result.slo.title}, {result.environment}\n"
        if note:
            yield f"{note}\n"
        for each in result.incidents:
            yield (
                f"- {words.time(each.begin)}: {each.alert} ({each.severity}), "
                f"{words.lasted(each, result.end)}"
            )


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
