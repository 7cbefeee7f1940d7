"""Faults in the pipeline: what is lost, what is told, and that the service does not feel it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from slo.alerts import watchdog_name
from stack.process import Process
from stack.values import ROOT
from telemetry import names

from tests.e2e.backends import eventually
from tests.gameday.alerts import Watch
from tests.gameday.clock import seconds
from tests.gameday.conftest import Day
from tests.gameday.faults import WITHOUT, is_up, stays_down
from tests.gameday.timeline import Detection, Timeline
from tests.gameday.traffic import CLIENTS, PATHS, Answer, p99

PATIENCE_SECONDS: Final = 15.0  # for what is not compressed
GROUP_INTERVAL_SECONDS: Final = seconds(300)
DOWN_SECONDS: Final = 10.0
SLOW_SECONDS: Final = 0.1  # the latency SLO's threshold: what its users would feel
# The receiver of the watchdog raises the alarm after five minutes without it (docs/slo.md).
SILENCE_SECONDS: Final = seconds(300)
# Prometheus says that an alert is over in four times its resend delay, if it says no more itself.
REMEMBERED_SECONDS: Final = seconds(240)
PRODUCTION_SCRAPE_SECONDS: Final = 15.0
DISK_BYTES: Final = 24_000_000  # of 50,000,000 that the queue may take
DISK_FULL: Final = "no space left on device"
SPANS: Final = {
    PATHS[0]: {"GET /ports/{id}", "get_port", "get ports"},
    PATHS[1]: {"GET /ports", "list_ports", "page ports"},
}
COUNTER: Final = (
    f'{names.HTTP_SERVER_DURATION}_count{{{names.HTTP_METHOD}="GET",'
    f'{names.HTTP_ROUTE}="/ports/{{id}}",{names.HTTP_STATUS}="200"}}'
)

pytestmark = pytest.mark.timeout(240)


def queued(day: Day, exporter: str) -> float:
    """Bytes in a queue of the gateway."""
    query = f'otelcol_exporter_queue_size{{job="otel-gateway",exporter="{exporter}"}}'
    return max(value for _, value in day.backends.series(query))


def answered(day: Day, begin: float, end: float) -> list[Answer]:
    """Requests of a time, every one of which must have been answered as ever."""
    answers = day.traffic.between(begin, end)
    assert {answer.status for answer in answers} == {200}
    return answers


def wait_all_traces(day: Day, answers: Iterable[Answer]) -> None:
    """Every trace is in Jaeger, from the server's span down to the store's."""
    for answer in answers:

        def is_whole() -> bool:
            spans = day.backends.spans(answer.trace_id)  # noqa: B023 - called at once
            return SPANS[answer.path] <= {span["name"] for span in spans}  # noqa: B023

        eventually(is_whole)


def test_no_sampled_trace_is_lost_while_jaeger_is_down(day: Day, moments: Timeline) -> None:
    fault = moments.mark("fault: Jaeger stopped")
    day.faults.stop("jaeger")
    jaeger = day.stack.processes["jaeger"].ready_url
    assert stays_down(jaeger, DOWN_SECONDS)
    eventually(lambda: queued(day, "otlp_grpc/jaeger") > 0)
    moments.mark("traces queued in the gateway")
    over = moments.mark("Jaeger started")
    day.faults.start("jaeger")
    answers = answered(day, fault, over)
    wait_all_traces(day, answers)
    moments.mark(f"all {len(answers)} traces there")


def test_the_queue_of_the_gateway_survives_a_kill(day: Day, moments: Timeline) -> None:
    begin = moments.mark("Jaeger stopped, so that the queue fills")
    day.faults.stop("jaeger")
    eventually(
        lambda: queued(day, "otlp_grpc/jaeger") > 0 and day.traffic.between(begin, time.time() - 1),
        PATIENCE_SECONDS,
    )
    before = day.stack.processes["gateway"].pid
    fault = moments.mark("fault: gateway killed")
    answers = answered(day, begin, fault - 1)
    day.faults.stop("gateway", signal.SIGKILL)
    day.faults.start("gateway")
    assert day.stack.processes["gateway"].pid != before
    moments.mark("gateway started")
    day.faults.start("jaeger")
    over = moments.mark("Jaeger started")
    answers += answered(day, fault - 1, over)
    wait_all_traces(day, answers)
    moments.mark(f"all {len(answers)} traces there")


def test_counters_continue_after_a_restart_of_prometheus(day: Day, moments: Timeline) -> None:
    prometheus = day.stack.processes["prometheus"]
    before = prometheus.pid
    begin = time.time() - 5
    fault = moments.mark("fault: Prometheus stopped")
    day.faults.stop("prometheus")
    was_up = is_up(prometheus.ready_url)
    day.faults.start("prometheus")
    over = moments.mark("Prometheus ready")
    assert not was_up
    assert prometheus.pid != before
    eventually(lambda: raw(day, COUNTER, begin)[-1][0] > over, PRODUCTION_SCRAPE_SECONDS)
    samples = raw(day, COUNTER, begin)
    gap, (last, count_before), (first, count_after) = max(
        (after[0] - at[0], at, after) for at, after in pairwise(samples) if after[0] > fault
    )
    moments.mark("last sample before", last)
    moments.mark("first sample after", first)
    # Shorter than production's interval, at which it would miss one scrape at the most. (Prometheus
    # hands a target to its scraper in the first five seconds after a start.)
    assert gap < PRODUCTION_SCRAPE_SECONDS
    counts = [count for _, count in samples]
    assert counts == sorted(counts)
    asked = [answer for answer in day.traffic.between(last, first) if answer.path == PATHS[0]]
    # Requests under way at either scrape may stand on its other side.
    assert abs(count_after - count_before - len(asked)) <= CLIENTS
    moments.mark(f"{len(asked)} requests of the gap of {gap:.1f} s are counted")


def raw(day: Day, selector: str, since: float) -> list[tuple[float, float]]:
    """Samples of the one series that a selector picks, as they were scraped."""
    answer = day.backends.http.get(
        f"{day.backends.at.url('prometheus')}/api/v1/query",
        params={"query": f"{selector}[{round(time.time() - since)}s]"},
    )
    [series] = answer.raise_for_status().json()["data"]["result"]
    return [(at, float(value)) for at, value in series["values"]]


def test_logs_on_stdout_are_complete_while_loki_is_down(day: Day, moments: Timeline) -> None:
    fault = moments.mark("fault: Loki stopped")
    day.faults.stop("loki")
    assert stays_down(day.stack.processes["loki"].ready_url, DOWN_SECONDS / 2)
    over = moments.mark("Loki started")
    answers = answered(day, fault, over)
    wanted = {answer.trace_id for answer in answers}
    [stdout] = day.stack.site.pods.glob("*_ports-0_*/ports/0.log")
    written = {line[names.LOG_TRACE_ID] for line in access_lines(stdout)}
    assert wanted <= written
    moments.mark(f"all {len(wanted)} access lines on stdout")
    day.faults.start("loki")
    query = f'{{{names.SERVICE_NAME}="ports"}} |= "{names.ACCESS_EVENT}"'

    def arrived() -> bool:
        return wanted <= {
            record[names.LOG_TRACE_ID] for record in day.backends.logs(query, fault - 1)
        }

    eventually(arrived)
    moments.mark("and all in Loki")


def access_lines(log: Path) -> Iterable[dict[str, Any]]:
    """Access lines in a container's log."""
    for line in log.read_text().splitlines():
        text = line.split(" ", 3)[3]
        if text.startswith("{") and (record := json.loads(text))["event"] == names.ACCESS_EVENT:
            yield record


def test_a_collector_that_is_down_fires_its_own_alert(
    day: Day, watch: Watch, moments: Timeline
) -> None:
    promise = seconds(120 + 30)
    fault = moments.mark("fault: the agent Collector stopped")
    day.faults.stop("agent")
    told = watch.fires("CollectorDown", "ticket", fault, promise + PATIENCE_SECONDS)
    assert (
        told.alert["labels"].items()
        >= {
            "severity": "ticket",
            "job": "observability/otel-agent-agent",
        }.items()
    )
    over = moments.mark("agent started")
    day.faults.start("agent")
    watch.resolves("CollectorDown", "ticket", over, GROUP_INTERVAL_SECONDS + PATIENCE_SECONDS)
    answered(day, fault, over)
    by = "its rule: `for`, and one evaluation"
    moments.detection = Detection("CollectorDown", by, promise, told.fired - fault)
    assert moments.detection.is_kept, str(moments.detection)


def burst(day: Day, **options: float) -> dict[str, int]:
    """Send a burst to the gateway; return how many requests had each status."""
    url = day.stack.site.addresses.url("gateway-otlp-http")
    arguments = [f"--{name}={value}" for name, value in options.items()]
    done = subprocess.run(
        [sys.executable, "-m", "tests.gameday.burst", url, *arguments],
        check=True,
        capture_output=True,
        text=True,
    )
    statuses: dict[str, int] = json.loads(done.stdout)
    return statuses


def test_the_gateway_refuses_ten_times_the_load_and_the_service_stays_fast(
    day: Day, watch: Watch, moments: Timeline
) -> None:
    running = {name: process.pid for name, process in day.stack.processes.items()}
    begin = time.time() - 15
    plain = burst(day, senders=1, seconds=5)
    assert set(plain) == {"200"}, "one sender is not refused"
    fault = moments.mark("fault: ten senders instead of one")
    statuses = {} if WITHOUT else burst(day, senders=10, seconds=15, until=503)
    over = moments.mark(f"burst over: answers by status {statuses}")
    assert statuses.get("503", 0) > 0
    for process in day.stack.processes.values():
        process.check()
    assert {name: process.pid for name, process in day.stack.processes.items()} == running
    # Unharmed is what its SLO promises, or what it was before on a machine that is slow itself.
    before, during = p99(answered(day, begin, fault)), p99(answered(day, fault, over))
    moments.mark(f"the service's p99: {before * 1000:.0f} ms before, {during * 1000:.0f} ms during")
    assert during <= max(SLOW_SECONDS, 2 * before)
    eventually(lambda: set(burst(day, senders=1, seconds=2)) == {"200"})
    moments.mark("data of one sender is accepted again")


def on_a_small_disk(gateway: Process, folder: Path) -> list[str]:
    """The gateway's command, its queue on a disk of its own that is smaller than its bound."""
    mount = f"mount -t tmpfs -o size={DISK_BYTES} tmpfs '{folder}' && exec \"$@\""
    as_root = [] if os.getuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *as_root, "sh", "-c", mount, "sh", *gateway.command]


def test_a_full_queue_disk_fires_an_alert_and_the_queue_stays_bounded(
    day: Day, watch: Watch, moments: Timeline
) -> None:
    gateway = day.stack.processes["gateway"]
    refusals = 'ALERTS{alertname="CollectorRefusesData"}'
    eventually(lambda: not day.backends.series(refusals))  # of a burst before this
    day.faults.stop("jaeger")
    day.faults.stop("gateway")
    day.faults.start_otherwise(
        "gateway", on_a_small_disk(gateway, day.stack.site.folder("gateway"))
    )
    pid = gateway.pid
    said = gateway.log.read_text().count(DISK_FULL)
    fault = moments.mark("fault: Jaeger stopped, the gateway's queue on a disk of 24 MB")
    statuses = burst(day, senders=1, seconds=seconds(600), until=0 if WITHOUT else 503)
    over = moments.mark(f"disk full: answers by status {statuses}")
    assert statuses.get("200", 0) > 0
    assert statuses.get("503", 0) > 0
    assert gateway.log.read_text().count(DISK_FULL) > said
    told = watch.fires("CollectorRefusesData", "ticket", fault, seconds(600) + PATIENCE_SECONDS)
    assert told.alert["labels"]["severity"] == "ticket"
    gateway.check()
    assert gateway.pid == pid
    answered(day, fault, over)
    day.faults.start("jaeger")
    moments.mark("Jaeger started")
    eventually(lambda: set(burst(day, senders=1, requests=1)) == {"200"})
    moments.mark("the queue has room again")
    watch.resolves("CollectorRefusesData", "ticket", over, seconds(900) + PATIENCE_SECONDS)


def test_a_silent_watchdog_is_noticed(day: Day, moments: Timeline) -> None:
    name = watchdog_name("ports")
    begin = time.time() - SILENCE_SECONDS

    def recent() -> list[float]:
        return [message.at for message in day.inbox.of("watchdog", begin)]

    def silence() -> float:
        return time.time() - recent()[-1]

    # While all is well it comes again and again, and never falls silent for so long.
    eventually(lambda: len(recent()) >= 3, PATIENCE_SECONDS)
    gaps = [after - at for at, after in pairwise(recent())]
    assert max(gaps) < SILENCE_SECONDS
    moments.mark("third notification of it in a row", recent()[-1])
    fault = moments.mark("fault: Prometheus stopped")
    day.faults.stop("prometheus")
    limit = REMEMBERED_SECONDS + SILENCE_SECONDS
    eventually(lambda: silence() > SILENCE_SECONDS, limit + PATIENCE_SECONDS)
    noticed = moments.mark("silence noticed by the receiver")
    page, section = ROOT / "docs/slo.md", "When the watchdog falls silent"
    moments.mark(day.desk.look(page, fault, section, cause="Prometheus is down"))
    last = moments.mark("last notification", recent()[-1])
    # Alertmanager repeats what it remembers; when it last did depends on the moment of the fault.
    assert last - fault < REMEMBERED_SECONDS + 1
    by = "5 min of silence after the last notification, which comes within 4 min of the fault"
    moments.detection = Detection(name, by, SILENCE_SECONDS, noticed - last)
    assert moments.detection.is_kept, str(moments.detection)
    day.faults.start("prometheus")
    over = moments.mark("Prometheus started")
    eventually(lambda: day.inbox.of("watchdog", over))
    moments.mark("the watchdog is back")
