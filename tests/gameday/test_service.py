"""Faults in the service: the page that a person gets, and the runbook that it names, run."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from slo import series
from slo.adoption import load_adoption
from slo.alerts import burn_alert_name, missing_alert_name
from slo.windows import BURN_WINDOWS, prometheus_duration
from stack.components import ENVIRONMENT
from stack.values import ROOT
from telemetry import names

from tests.e2e.backends import eventually
from tests.e2e.inbox import Message
from tests.gameday.alerts import Told, Watch
from tests.gameday.clock import SLOS, missing_promised, promised, seconds
from tests.gameday.conftest import Day
from tests.gameday.faults import DATABASE
from tests.gameday.runbook import CAUSES, FIRST_LOOK, RECOVERY
from tests.gameday.timeline import Detection, Timeline
from tests.gameday.traffic import NO_ANSWER, Answer

FASTEST: Final = BURN_WINDOWS[0]
GROUP_INTERVAL_SECONDS: Final = seconds(300)
SHORT_WINDOW_SECONDS: Final = seconds(FASTEST.short.total_seconds())
REPEAT_SECONDS: Final = seconds(3600)
# For what is not compressed: a loaded machine's delays.
PATIENCE_SECONDS: Final = 15.0
RESOLVE_SECONDS: Final = SHORT_WINDOW_SECONDS + GROUP_INTERVAL_SECONDS + PATIENCE_SECONDS
SLOW_SECONDS: Final = 0.1  # the latency SLO's threshold

pytestmark = pytest.mark.timeout(400)


def assert_links(told: Told, slo: str) -> Path:
    """The labels are the SLO's and both links lead somewhere; return the runbook's page."""
    labels, annotations = told.alert["labels"], told.alert["annotations"]
    assert (
        labels.items()
        >= {
            "severity": "page",
            "slo": slo,
            names.SERVICE_NAME: "ports",
            names.ENVIRONMENT: ENVIRONMENT,
        }.items()
    )
    dashboard = urlsplit(annotations["dashboard_url"])
    query = parse_qs(dashboard.query)
    assert (query["var-environment"], query["to"]) == ([ENVIRONMENT], ["now"])
    assert told.fired - seconds(3600) - 1 < int(query["from"][0]) / 1000 < time.time()
    uid = dashboard.path.removeprefix("/d/")
    assert uid == f"slo-ports-{slo}"
    assert (
        f'"uid": "{uid}"' in (ROOT / f"platform/generated/ports/dashboards/{slo}.json").read_text()
    )
    runbook_url: str = annotations["runbook_url"]
    page = ROOT / runbook_url.removeprefix(load_adoption(ROOT).file_url(""))
    assert page.is_file()
    return page


def background(day: Day, slo: str) -> float:
    """Ratio of bad events over the fastest page's long window, before a fault."""
    name = series.error_ratio(FASTEST.long)
    [(_, ratio)] = day.backends.series(f'{name}{{{series.SLO}="{slo}"}}')
    return ratio


def assert_detected(moments: Timeline, told: Told, fault: float, slo: str, before: float) -> None:
    """The page came when `slo explain` says, give or take a fifth.

    A machine that is busy with something else answers some requests too slowly even before the
    fault. That brings the page forward, by as much as the compiler itself can tell.
    """
    moments.detection = Detection(
        told.alert["labels"]["alertname"],
        "`slo explain`",
        promised(SLOS[slo]),
        told.fired - fault,
        before,
        promised(SLOS[slo], before),
    )
    assert moments.detection.is_kept, str(moments.detection)


def assert_burn_labels(told: Told) -> None:
    labels = told.alert["labels"]
    assert labels["long_window"] == prometheus_duration(FASTEST.long)
    assert labels["short_window"] == prometheus_duration(FASTEST.short)


def of_availability(messages: list[Message]) -> list[Message]:
    return [m for m in messages if m.body["groupLabels"].get("slo") == "availability"]


def pages(day: Day, since: float) -> list[Message]:
    return of_availability(day.inbox.of("page", since))


def is_failed(answer: Answer) -> bool:
    return answer.status >= httpx.codes.INTERNAL_SERVER_ERROR


def is_good(answer: Answer) -> bool:
    return answer.status == httpx.codes.OK and answer.seconds <= SLOW_SECONDS


def is_slow(answer: Answer) -> bool:
    return answer.seconds > SLOW_SECONDS


def is_unanswered(answer: Answer) -> bool:
    return answer.status == NO_ANSWER


def mark_first(
    day: Day, moments: Timeline, what: str, since: float, fits: Callable[[Answer], bool]
) -> None:
    first = eventually(lambda: day.traffic.first(since, fits), PATIENCE_SECONDS)
    moments.mark(what, first.at + first.seconds)


def test_slow_requests_fire_a_page_and_the_latency_runbook_finds_the_cause(
    day: Day, watch: Watch, moments: Timeline, steady: None
) -> None:
    name = burn_alert_name(SLOS["latency"], FASTEST)
    before = background(day, "latency")
    fault = moments.mark("fault: every request 300 ms slower")
    day.faults.service("latency")
    mark_first(day, moments, "first slow answer", fault, is_slow)
    told = watch.fires(name, "page", fault, promised(SLOS["latency"]) + PATIENCE_SECONDS)
    page = assert_links(told, "latency")
    assert_burn_labels(told)
    moments.mark(day.desk.look(page, fault, FIRST_LOOK, CAUSES, cause="Single expensive requests"))
    over = moments.mark("fault off")
    day.faults.service("off")
    mark_first(day, moments, "first good answer", over, is_good)
    watch.resolves(name, "page", over, RESOLVE_SECONDS)
    moments.mark(day.desk.look(page, over, RECOVERY))
    assert_detected(moments, told, fault, "latency", before)


def test_errors_fire_a_repeated_page_and_no_ticket(
    day: Day, watch: Watch, moments: Timeline, steady: None
) -> None:
    slo = SLOS["availability"]
    name, slower = (burn_alert_name(slo, window) for window in BURN_WINDOWS[:2])
    ticket = burn_alert_name(slo, BURN_WINDOWS[2])
    before = background(day, "availability")
    fault = moments.mark("fault: every request fails with 500")
    day.faults.service("errors")
    mark_first(day, moments, "first failed answer", fault, is_failed)
    told = watch.fires(name, "page", fault, promised(slo) + PATIENCE_SECONDS)
    page = assert_links(told, "availability")
    assert_burn_labels(told)
    moments.mark(
        day.desk.look(page, fault, FIRST_LOOK, CAUSES, cause="A fault in the code: status 500")
    )

    # The slower page joins the first in one message: grouped by service, environment and SLO.
    watch.fires(slower, "page", fault, seconds(900) + GROUP_INTERVAL_SECONDS + PATIENCE_SECONDS)
    joined = pages(day, fault)[-1]
    assert {alert["labels"]["alertname"] for alert in joined.alerts} == {name, slower}
    assert set(joined.body["groupLabels"]) == {names.SERVICE_NAME, names.ENVIRONMENT, "slo"}

    def inhibited() -> bool:
        return any(
            alert["labels"]["alertname"] == ticket and alert["status"]["inhibitedBy"]
            for alert in day.backends.alerts()
        )

    eventually(inhibited, seconds(3600) + PATIENCE_SECONDS)
    moments.mark(f"{ticket} firing, and inhibited by the page")

    def repeated() -> bool:
        return pages(day, fault)[-1].at >= joined.at + REPEAT_SECONDS

    eventually(repeated, REPEAT_SECONDS + 2 * GROUP_INTERVAL_SECONDS)
    moments.mark("page notified again", pages(day, fault)[-1].at)
    assert len(pages(day, fault)) == 3, "at first, when the slower page joined, an hour after that"
    assert of_availability(day.inbox.of("ticket", fault)) == []

    over = moments.mark("fault off")
    day.faults.service("off")
    mark_first(day, moments, "first good answer", over, is_good)
    watch.resolves(name, "page", over, RESOLVE_SECONDS)
    moments.mark(day.desk.look(page, over, RECOVERY))
    assert_detected(moments, told, fault, "availability", before)


def test_the_service_reports_a_lost_database_and_recovers_without_a_restart(
    day: Day, watch: Watch, moments: Timeline
) -> None:
    name = burn_alert_name(SLOS["availability"], FASTEST)
    url, process = day.stack.site.addresses.url("ports"), day.stack.processes["ports"]
    pid = process.pid
    fault = moments.mark("fault: PostgreSQL stopped")
    day.faults.stop(DATABASE)
    mark_first(day, moments, "first failed answer", fault, is_failed)
    told = watch.fires(name, "page", fault, seconds(120) + RESOLVE_SECONDS)
    answer = httpx.get(f"{url}/ports/AEAJM")
    assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["detail"] == "the database does not answer"
    ready = httpx.get(f"{url}/ready")
    assert (ready.status_code, ready.json()["status"]) == (httpx.codes.OK, "degraded")
    assert httpx.get(f"{url}/live").status_code == httpx.codes.OK
    moments.mark("/ready 200 and degraded, /live 200, problems with Retry-After")
    page = assert_links(told, "availability")
    cause = "The store is gone: status 503 from `/ports` and `/ports/{id}`"
    moments.mark(day.desk.look(page, fault, FIRST_LOOK, CAUSES, cause=cause))
    over = moments.mark("PostgreSQL started")
    day.faults.start(DATABASE)
    mark_first(day, moments, "first good answer", over, is_good)
    eventually(lambda: httpx.get(f"{url}/ready").json()["status"] == "ready")
    watch.resolves(name, "page", over, RESOLVE_SECONDS)
    assert process.pid == pid
    process.check()
    moments.mark(day.desk.look(page, over, RECOVERY))


def test_a_killed_service_fires_the_missing_data_alert(
    day: Day, watch: Watch, moments: Timeline
) -> None:
    name = missing_alert_name(SLOS["availability"])
    fault = moments.mark("fault: the service killed")
    day.faults.stop("ports", signal.SIGKILL)
    mark_first(day, moments, "first request without an answer", fault, is_unanswered)
    told = watch.fires(name, "page", fault, missing_promised() + RESOLVE_SECONDS)
    page = assert_links(told, "availability")
    moments.mark(day.desk.look(page, fault, CAUSES, cause="No data at all", others=False))
    day.faults.start("ports")
    over = moments.mark("service started")
    mark_first(day, moments, "first good answer", over, is_good)
    watch.resolves(name, "page", over, RESOLVE_SECONDS)
    moments.mark(day.desk.look(page, over, RECOVERY))
    moments.detection = Detection(name, "`slo explain`", missing_promised(), told.fired - fault)
    assert moments.detection.is_kept, str(moments.detection)
