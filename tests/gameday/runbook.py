"""Runbook pages, executed: what a paged person would run, and what the page says it returns.

Its fenced blocks are `promql`, `logql` (for Loki) or `sh` (addresses are variables). The
paragraph after each begins with `Expect`, in the words that `Expectation` knows.
"""

import math
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack import compressed
from stack.addresses import Addresses
from stack.components import ENVIRONMENT

from tests.e2e.backends import Backends, eventually

FIRST_LOOK: Final = "First look"
CAUSES: Final = "Likely causes"
RECOVERY: Final = "Confirm recovery"
SECONDS_TO_ARRIVE: Final = 15.0  # of traces and logs, through both Collectors
_FENCE: Final = re.compile(r"^```(.*)$")
_HEADING: Final = re.compile(r"^(##|###) (.+)$")
_EXPECT: Final = re.compile(
    r"Expect (?P<outcome>.+?)(?: if this is the cause(?:, else (?P<otherwise>.+?))?)?\.(?:\s|$)"
)
_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_OUTCOME: Final = re.compile(
    rf"nothing|a result(?: with `(?P<label>\w+)=\"(?P<text>[^\"]*)\"`)?"
    rf"|(?P<some>a value )?(?P<side>above|below) (?P<bound>{_NUMBER})|(?P<exact>{_NUMBER})"
)


class PageError(Exception):
    """A page that cannot be executed as it is written."""


@dataclass(frozen=True)
class Result:
    """One series, log line or line of output."""

    labels: dict[str, str]
    value: float


@dataclass(frozen=True)
class Expectation:
    """The expected result of a block.

    One of: `nothing`, `a result`, a result with a label, a number, `above` or `below` a number (all
    values, and at least one), `a value above` a number (one at least).
    """

    words: str

    def __post_init__(self) -> None:
        """Refuse words that nobody could check."""
        if not _OUTCOME.fullmatch(self.words):
            raise PageError(f"cannot check {self.words!r}: see tests/gameday/runbook.py")

    def holds(self, results: list[Result]) -> bool:
        """Tell whether the results are as expected."""
        found = _OUTCOME.fullmatch(self.words)
        if found is None or self.words == "nothing":
            return not results
        if label := found["label"]:
            return any(result.labels.get(label) == found["text"] for result in results)
        values = [result.value for result in results]
        if exact := found["exact"]:
            return bool(values) and all(math.isclose(v, float(exact)) for v in values)
        if bound := found["bound"]:
            limit = float(bound)
            fitting = [v > limit if found["side"] == "above" else v < limit for v in values]
            return any(fitting) if found["some"] else bool(values) and all(fitting)
        return bool(results)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Attributes:
        language: promql, logql or sh.
        text: The command or query.
        section: Heading of the second level above it.
        cause: Heading of the third level above it, if it stands under one.
        expected: What it returns, if its cause is the one.
        otherwise: What it returns if its cause is not the one; None if the page leaves it open.
        line: Where it stands.
    """

    language: str
    text: str
    section: str
    cause: str | None
    expected: Expectation
    otherwise: Expectation | None
    line: int


def blocks(page: Path, *sections: str) -> list[Block]:
    """Read a page, or only its sections of these headings.

    Raises:
        PageError: A block's language is unknown, or what follows it does not say what to expect.
    """
    try:
        return list(_blocks(page.read_text().splitlines(), sections))
    except PageError as error:
        raise PageError(f"{page}: {error}") from None


def _blocks(lines: list[str], sections: tuple[str, ...]) -> Iterator[Block]:
    section, cause, position = "", None, 0
    while position < len(lines):
        line = lines[position]
        position += 1
        if heading := _HEADING.match(line):
            if heading[1] == "##":
                section, cause = heading[2], None
            else:
                cause = heading[2]
        elif fence := _FENCE.match(line):
            begin = position
            while lines[position] != "```":
                position += 1
            text = "\n".join(lines[begin:position])
            position += 1
            if not sections or section in sections:
                yield _block(fence[1], text, section, cause, _paragraph(lines, position), begin)


def _paragraph(lines: list[str], position: int) -> str:
    rest = "\n".join(lines[position:]).lstrip("\n")
    return rest.split("\n\n", 1)[0].replace("\n", " ")


def _block(
    language: str, text: str, section: str, cause: str | None, after: str, line: int
) -> Block:
    if language not in {"promql", "logql", "sh"}:
        raise PageError(f"line {line}: a block of {language!r} can't be run")
    told = _EXPECT.match(after)
    if told is None:
        raise PageError(f"line {line}: after the block, say what it returns: `Expect …`")
    otherwise = told["otherwise"]
    return Block(
        language,
        text,
        section,
        cause,
        Expectation(told["outcome"]),
        Expectation(otherwise) if otherwise else None,
        line,
    )


class Desk:
    """Where a paged person sits: runs the blocks of a page against the running stack."""

    def __init__(self, backends: Backends, addresses: Addresses, scale: float) -> None:
        self._backends = backends
        self._environment = {
            "SERVICE": addresses.url("ports"),
            "JAEGER": addresses.url("jaeger"),
            "PROMETHEUS": addresses.url("prometheus"),
            "ALERTMANAGER": addresses.url("alertmanager"),
        }
        self._scale = scale

    def look(
        self,
        page: Path,
        since: float,
        *sections: str,
        cause: str | None = None,
        others: bool = True,
    ) -> str:
        """Run the blocks of some sections, assert what they return, and tell how many there were.

        Args:
            page: The page.
            since: From when logs are looked at, in seconds of Unix time.
            sections: Headings of the second level.
            cause: Heading of the cause that is the one now.
            others: Whether other causes' blocks are run too: they return what they say otherwise.
        """
        chosen = blocks(page, *sections)
        assert cause in {None, *(block.cause for block in chosen)}, f"{page}: no cause {cause!r}"
        if not others:
            chosen = [block for block in chosen if block.cause == cause]
        for block in chosen:
            is_met = block.cause in {None, cause}
            self._assert(page, block, block.expected if is_met else block.otherwise, since)
        return f"{len(chosen)} commands of {page.name} returned what the page says"

    def _assert(self, page: Path, block: Block, expected: Expectation | None, since: float) -> None:
        def as_told() -> bool:
            results = self._run(block, since)
            assert expected is None or expected.holds(results), (
                f"{page}, line {block.line}: expected {expected.words}, got {results}"
            )
            return True

        eventually(as_told, SECONDS_TO_ARRIVE)

    def _run(self, block: Block, since: float) -> list[Result]:
        # The page tells its reader to do this for another environment than production.
        text = block.text.replace('"prod"', f'"{ENVIRONMENT}"')
        if block.language == "promql":
            found = self._backends.series(compressed.query(text, self._scale))
            return [Result(labels, value) for labels, value in found]
        if block.language == "logql":
            return [Result(record, math.nan) for record in self._backends.logs(text, since)]
        return self._shell(text)

    def _shell(self, text: str) -> list[Result]:
        done = subprocess.run(
            ["bash", "-eu", "-c", text],
            env={**os.environ, **self._environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, f"{text}: exit code {done.returncode}: {done.stderr}"
        return [Result({"line": line}, _number(line)) for line in done.stdout.splitlines()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
