"""Metrics that the documentation names, in code spans and fenced blocks.

A word in code counts as a metric in three cases. It begins with `slo:`, ends with a suffix that
only metrics have, or begins with the first two parts of a metric that exists (`http_server_…`). A
name ending in `_` or `…` stands for all that begin so. Labels and whatever NOT_METRICS lists are
left out. So a metric that was renamed within its family, or a counter that never existed, is found.
A word of a family without any metric is not found.
"""

import re
from collections.abc import Iterator
from typing import Final

from stack.values import ROOT

PAGES: Final = (
    "README.md", "docs/**/*.md", "services/**/*.md", "packages/**/*.md", "platform/**/*.md",
)  # fmt: skip
CODE: Final = re.compile(r"^```\w*\n(.*?)^```|``(.+?)``|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
WORD: Final = re.compile(r"(?<![\w:./$-])(?:slo:[\w:]+|[a-z][a-z0-9]*(?:_[a-z0-9]+)+_?)(?![\w.(-])")
ONLY_METRICS: Final = ("_total", "_bucket", "_info")
# A prober's: no environment has one until somebody adds it, and the stack has none. And those of
# gateways that sample traces, which `make e2e-gateway` looks at.
_SAMPLING: Final = "otelcol_processor_tail_sampling_"
NOT_METRICS: Final = frozenset(
    {
        "cloudprober_total",
        f"{_SAMPLING}sampling_traces_on_memory",
        f"{_SAMPLING}count_traces_sampled",
        "otelcol_exporter_send_failed_spans",
    }
)


def metrics(live: set[str], labels: set[str]) -> Iterator[tuple[str, str]]:
    """Names on all pages that are taken for metrics, each with its page."""
    pages = sorted({page for pattern in PAGES for page in ROOT.glob(pattern)})
    for page in pages:
        for word in sorted(words(page.read_text(), live, labels)):
            yield str(page.relative_to(ROOT)), word


def words(text: str, live: set[str], labels: set[str]) -> set[str]:
    """Words of a text that are taken for metrics."""
    families = {_family(name) for name in live}
    code = "\n".join(part for found in CODE.finditer(text) for part in found.groups() if part)
    return {
        word
        for word in WORD.findall(code)
        if word not in labels and word not in NOT_METRICS
        if word.startswith("slo:") or word.endswith(ONLY_METRICS) or _family(word) in families
    }


def exists(name: str, live: set[str]) -> bool:
    """Whether a metric, a histogram's family, or one of a group of metrics lives."""
    if name in live:
        return True
    if name.endswith(("_", ":")):
        return any(each.startswith(name) for each in live)
    return any(f"{name}{suffix}" in live for suffix in ("_bucket", "_count"))


def _family(name: str) -> tuple[str, ...]:
    return tuple(name.split("_")[:2])
