"""The option to keep only errors, slow traces and a part of the rest."""

from collections.abc import Iterator

import pytest
from stack.components import Site
from stack.stack import Stack
from telemetry import names

from tests.e2e.backends import Backends, eventually
from tests.e2e.conftest import FAST
from tests.e2e.sender import Probe

PLAIN_TRACES = 200
OVERLAY = "values-tail-sampling.yaml"


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    site = Site(
        tmp_path_factory.mktemp("sampling"),
        prometheus_overrides=FAST,
        collector_overlays=(OVERLAY,),
        collector_env={"TAIL_DECISION_WAIT": "2s"},
    )
    with Stack(site, with_service=False) as stack:
        yield stack


def test_tail_sampling_keeps_all_errors_and_slow_traces(backends: Backends, probe: Probe) -> None:
    errors = [probe.trace("failing", error="made to fail") for _ in range(20)]
    slow = [probe.trace("slow", seconds=names.SLOW_TRACE_SECONDS + 0.1) for _ in range(20)]
    plain = [probe.trace("plain") for _ in range(PLAIN_TRACES)]
    last = probe.trace("last", error="made to fail")
    for trace_id in (*errors, *slow, last):
        assert len(eventually(lambda: backends.spans(trace_id))) == 1  # noqa: B023 - called at once
    kept = sum(bool(backends.spans(trace_id)) for trace_id in plain)
    # 10 % of 200: outside these bounds once in millions of runs.
    assert 1 <= kept <= 50
