"""One of three gateways ends under load: with tail sampling, and with a filled queue on disk."""

import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.backends import eventually
from tests.gateway import measured
from tests.gateway.fleet import TAIL_SAMPLING, Fleet, Metrics, total
from tests.gateway.load import TRACE_SECONDS, Load, Sent

KILLED: Final = 1
RATE: Final = 100.0
DECISION_SECONDS: Final = 2.0
# The processor decides each second, the agent waits 0.2 s for a batch, and the sender ticks.
LATE_SECONDS: Final = 1.5
# The container `last-alive` adds 3 s to the time of the last answer, in whole seconds.
MARGIN_SECONDS: Final = 4.0
BEFORE_SECONDS, DOWN_SECONDS, AFTER_SECONDS = 6.0, 7.0, 5.0

# The parser of the tests adds `_total` to counters. Prometheus has their names without it.
SAMPLED: Final = "otelcol_processor_tail_sampling_count_traces_sampled_total"
PENDING: Final = "otelcol_processor_tail_sampling_sampling_traces_on_memory"
RECEIVED: Final = "otelcol_processor_tail_sampling_new_trace_id_received_total"
RULE: Final = "began-before-the-last-stop"
QUEUE: Final = "otelcol_exporter_queue_size"


@dataclass(frozen=True)
class Outage:
    """The load, and its result.

    Attributes:
        how: Name of the signal that ended the gateway.
        traces: What was sent.
        seen: What the backend has.
        died: Unix time in seconds at which the gateway had ended.
        before: Metrics of the gateway, read within a second before the signal.
        after: Metrics of each gateway at the end.
    """

    how: str
    traces: dict[bytes, Sent]
    seen: dict[bytes, Counter[bytes]]
    died: float
    before: Metrics
    after: list[Metrics]

    @property
    def absent(self) -> list[Sent]:
        """Traces with an error that the backend does not have."""
        return [
            sent for trace, sent in self.traces.items() if sent.failed and trace not in self.seen
        ]


@pytest.fixture(
    scope="module",
    params=[signal.SIGKILL, signal.SIGTERM],
    ids=["killed", "restarted"],
)
def outage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outage]:
    """Traces through two agents while a gateway is ended by a signal, and started again."""
    folder = tmp_path_factory.mktemp("sampling")
    wait = {"TAIL_DECISION_WAIT": f"{DECISION_SECONDS:.0f}s"}
    with Fleet(folder, (TAIL_SAMPLING,), wait).running() as fleet:
        killed = fleet.gateways[KILLED]
        load = Load([agent.otlp for agent in fleet.agents], RATE)
        load.start()
        time.sleep(BEFORE_SECONDS)
        before = killed.metrics()
        killed.end(request.param)
        died = time.time()
        time.sleep(DOWN_SECONDS)
        killed.come_back()
        time.sleep(AFTER_SECONDS)
        load.stop()
        eventually(
            lambda: (
                all(total(each.metrics(), PENDING) == 0 for each in fleet.gateways)
                and all(total(each.metrics(), QUEUE) == 0 for each in fleet.gateways)
            )
        )
        after = [gateway.metrics() for gateway in fleet.gateways]
        how = request.param.name
        yield Outage(how, load.traces, fleet.backend.seen(), died, before, after)


def test_a_trace_of_two_agents_meets_in_one_gateway(outage: Outage) -> None:
    received = [total(metrics, RECEIVED) for metrics in outage.after]
    received[KILLED] += total(outage.before, RECEIVED)
    # The traces that the killed one and its successor both saw are counted twice.
    twice = sum(received) - len(outage.traces)
    assert 0 < twice < RATE * (TRACE_SECONDS + LATE_SECONDS)
    assert min(received) > 0.2 * len(outage.traces)
    measured.LINES.append(
        f"{outage.how}: {len(outage.traces)} traces, by gateway {[int(n) for n in received]}; "
        f"{twice:.0f} had spans before and after it"
    )


def test_each_trace_is_whole_or_absent(outage: Outage) -> None:
    split = {
        trace: (len(spans), len(outage.traces[trace].spans))
        for trace, spans in outage.seen.items()
        if set(spans) != outage.traces[trace].spans
    }
    assert split == {}
    assert len(outage.seen) > 0.5 * len(outage.traces)


def test_only_traces_around_the_end_are_absent(outage: Outage) -> None:
    began = sorted(sent.began - outage.died for sent in outage.absent)
    earliest = DECISION_SECONDS + TRACE_SECONDS + LATE_SECONDS
    assert began, "nothing was in the memory of the killed gateway"
    assert began[0] > -earliest
    # The rest of the outage's traces waited in the agents.
    assert began[-1] < MARGIN_SECONDS < DOWN_SECONDS
    share = total(outage.before, RECEIVED) / (RATE * BEFORE_SECONDS)
    assert len(began) < share * RATE * (earliest + MARGIN_SECONDS)
    measured.LINES.append(
        f"{outage.how}: {len(began)} traces with an error are absent, which began from "
        f"{began[0]:.1f} s to {began[-1]:+.1f} s of the end; "
        f"decision after {DECISION_SECONDS:.0f} s, "
        f"{RATE:.0f} traces a second, share {share:.2f}, down for {DOWN_SECONDS:.0f} s"
    )


def test_metrics_of_the_gateway_count_the_absent_traces(outage: Outage) -> None:
    in_memory = total(outage.before, PENDING)
    dropped = total(outage.after[KILLED], SAMPLED, policy=RULE, decision="dropped")
    others = [total(each, SAMPLED, policy=RULE, decision="dropped") for each in outage.after]
    assert sum(others) == dropped, "the other gateways drop nothing"
    # The metrics count traces without an error too, and a trace in both states twice. Spans that
    # came between the last look and the kill are in neither.
    assert 0.5 * (in_memory + dropped) < len(outage.absent) < in_memory + dropped + 0.1 * RATE
    measured.LINES.append(
        f"{outage.how}: counted as lost {in_memory:.0f} in memory + {dropped:.0f} dropped on return"
    )


def test_no_span_arrives_twice(outage: Outage) -> None:
    twice = sum(count - 1 for spans in outage.seen.values() for count in spans.values())
    # The killed gateway sends again what the backend took without its knowing.
    assert twice <= 0.01 * sum(len(spans) for spans in outage.seen.values())


def test_the_queue_on_disk_of_a_killed_gateway_is_delivered_on_its_return(tmp_path: Path) -> None:
    with Fleet(tmp_path, ()).running() as fleet:
        killed = fleet.gateways[KILLED]
        load = Load([agent.otlp for agent in fleet.agents], RATE)
        load.start()
        time.sleep(2)
        fleet.backend.stop()
        time.sleep(3)
        load.stop()
        eventually(lambda: all(total(agent.metrics(), QUEUE) == 0 for agent in fleet.agents))
        queued = total(killed.metrics(), QUEUE)
        assert queued > 0
        killed.end(signal.SIGKILL)
        fleet.backend.start()
        sent = {(trace, span) for trace, each in load.traces.items() for span in each.spans}

        def missing() -> set[tuple[bytes, bytes]]:
            seen = fleet.backend.seen()
            return sent - {(trace, span) for trace, spans in seen.items() for span in spans}

        others = [each for each in fleet.gateways if each is not killed]
        eventually(lambda: all(total(each.metrics(), QUEUE) == 0 for each in others))
        away = len(missing())
        assert away > 0, "nothing was on the disk of the killed gateway"
        killed.come_back()
        eventually(lambda: not missing())
        seen = fleet.backend.seen()
        twice = sum(count - 1 for spans in seen.values() for count in spans.values())
        assert twice < 0.1 * len(sent)
        measured.LINES.append(
            f"queue on disk: {queued:.0f} B with {away} of {len(sent)} spans at the kill, "
            f"all delivered on return, {twice} spans twice"
        )
