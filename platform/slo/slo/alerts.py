"""Alerts: burn rates and missing data for each SLO, ready pods and a watchdog for each service."""

from datetime import timedelta

from telemetry import names

from slo import series
from slo.adoption import Adoption
from slo.coverage import exists_from_start
from slo.matchers import quoted
from slo.model import OVERVIEW_UID, Slo, pascal_case
from slo.rules import EVALUATION_INTERVAL, Clock, Group, Rule
from slo.windows import (
    BASE_WINDOW,
    BURN_WINDOWS,
    MISSING_HOLD,
    MISSING_LOOKBACK,
    NO_READY_PODS_HOLD,
    BurnWindow,
    Severity,
    exact,
    plain,
    prometheus_duration,
)

SEVERITY = "severity"
LONG_WINDOW = "long_window"
SHORT_WINDOW = "short_window"
ENVIRONMENT_TEMPLATE = f"{{{{ $labels.{names.ENVIRONMENT} }}}}"
NEVER_RECORDED = "slo_watchdog"
RATIO_TEMPLATE = "{{ $value | humanizePercentage }}"


def begin_template(seconds: str) -> str:
    """Template of the moment so long before an alert was evaluated, as Grafana's links take it."""
    query = f"1000 * (time() - {seconds})"
    return f'{{{{ with query "{query}" }}}}{{{{ . | first | value | printf "%.0f" }}}}{{{{ end }}}}'


def slo_alerts(slo: Slo, clock: Clock, adoption: Adoption) -> tuple[Rule, ...]:
    """Make the alerts of one SLO: one for each burn window, in their order, and missing data."""
    burns = (burn_alert(slo, window, clock, adoption) for window in BURN_WINDOWS)
    return (*burns, missing_alert(slo, clock, adoption))


def burn_alert_name(slo: Slo, window: BurnWindow) -> str:
    """Name of a burn alert."""
    return f"{slo.pascal_name}Burn{prometheus_duration(window.long)}"


def missing_alert_name(slo: Slo) -> str:
    """Name of the alert about missing data."""
    return f"{slo.pascal_name}MissingData"


def watchdog_name(service: str) -> str:
    """Name of the alert that always fires."""
    return f"{pascal_case(service)}SloWatchdog"


def watchdog_group(service: str) -> str:
    """Name of the rule group of a service's own alerts."""
    return f"slo-{service}-watchdog"


def no_ready_pods_name(service: str) -> str:
    """Name of the alert about a service that has no pod to take requests."""
    return f"{pascal_case(service)}NoReadyPods"


def burn_alert(slo: Slo, window: BurnWindow, clock: Clock, adoption: Adoption) -> Rule:
    """Fire while the budget burns too fast over the long window, and still does over the short."""
    threshold = plain(window.threshold(slo.objective, slo.alerting_period))
    factor = plain(exact(window.factor(slo.alerting_period)))
    long, short = prometheus_duration(window.long), prometheus_duration(window.short)
    bad_events = f"{series.of_slo(series.bad(window.long), slo)} * {clock.seconds(window.long)}"
    # The last condition: a handful of requests at night is no evidence of anything.
    expr = "\nand\n".join(
        (
            f"{series.of_slo(series.error_ratio(window.long), slo)} > {threshold}",
            f"{series.of_slo(series.error_ratio(window.short), slo)} > {threshold}",
            # Rounded, so that as many as the minimum are enough whatever a rate's last digit is.
            f"round({bad_events}, 0.001) >= {slo.minimum_bad_events}",
        )
    )
    return Rule(
        burn_alert_name(slo, window),
        expr,
        {
            SEVERITY: window.severity,
            series.SLO: slo.name,
            LONG_WINDOW: long,
            SHORT_WINDOW: short,
        },
        {
            "summary": f"{slo.service} {slo.name} burns its error budget {factor} times too fast "
            f"in {ENVIRONMENT_TEMPLATE}",
            "description": f"{RATIO_TEMPLATE} of events were bad over {clock.promql(window.long)}, "
            f"and still too many over {clock.promql(window.short)}; "
            f"{plain(slo.objective * 100)} % must be good {slo.over_period}.",
            **_links(slo, adoption, begin_template(clock.seconds(window.long))),
        },
        clock.lasts(window.hold),
    )


def missing_alert(slo: Slo, clock: Clock, adoption: Adoption) -> Rule:
    """Fire when a service that is known has no data: silence is not success.

    Known is a service that Prometheus has a target for, however long its scrapes fail, or whose
    SLI was recorded within the last hour. A service that service discovery has forgotten for
    longer counts as removed on purpose. Where the SLI's series begin with their first event, a
    target that answers is data: nothing happened yet. Counters of a prober are missed only where
    Prometheus knows a prober: an environment without a prober is silent.
    """
    total = series.of_slo(series.total(BASE_WINDOW), slo)
    outside = slo.total.family.outside
    up = (series.prober_up if outside else series.targets_up)(slo.service)
    lookback = clock.promql(MISSING_LOOKBACK)
    from_start = exists_from_start(slo.total)
    parts = [total] if from_start else []
    # The counters of a prober go on while no target of the service answers.
    parts += [] if outside else [f"{up} == 1"]
    data = f"\n    and {series.ON_TARGET}\n    ".join(parts)
    expr = (
        f"(\n    count {series.BY_TARGET} ({up})\n    or\n"
        f"    count {series.BY_TARGET} (present_over_time({total}[{lookback}]))\n)\n"
        f"unless {series.ON_TARGET}\n"
        f"(\n    {data}\n)"
    )
    return Rule(
        missing_alert_name(slo),
        expr,
        {SEVERITY: Severity.PAGE, series.SLO: slo.name},
        {
            "summary": f"{slo.service} {slo.name} has no data in {ENVIRONMENT_TEMPLATE}",
            "description": _why_missing(slo),
            **_links(slo, adoption, begin_template(clock.seconds(MISSING_LOOKBACK))),
        },
        clock.lasts(MISSING_HOLD),
    )


def _why_missing(slo: Slo) -> str:
    if slo.total.family.outside:
        return "No prober reports on the service: nobody sees it from outside."
    none = ", or none reports the SLI" if exists_from_start(slo.total) else ""
    return (
        f"No target answers its scrape{none}: the service may be down, and its other alerts are "
        "blind."
    )


def no_ready_pods_alert(service: str, clock: Clock, adoption: Adoption) -> Rule:
    """Fire when a Deployment or Rollout that wants pods has none that is ready.

    Clients are refused then, and no process counts their requests: SLOs look idle. The environment
    is the rest of the namespace's name, `<service>-<environment>`.
    """
    place = f"namespace=~{quoted(service + '-.+')}"
    deployment = f"{{deployment={quoted(service)}, {place}}}"
    # kube-state-metrics knows a Rollout by its ReplicaSets alone.
    owned = f'{{owner_kind="Rollout", owner_name={quoted(service)}, {place}}}'
    of_rollout = f"and on (namespace, replicaset) kube_replicaset_owner{owned}"
    expr = (
        f"max by ({names.ENVIRONMENT}) (\n    label_replace(\n"
        f"        (kube_replicaset_spec_replicas{{{place}}} {of_rollout}\n"
        f"        or kube_deployment_spec_replicas{deployment}) > 0\n"
        f"        unless on (namespace)\n"
        f"        (kube_replicaset_status_ready_replicas{{{place}}} {of_rollout}\n"
        f"        or kube_deployment_status_replicas_available{deployment}) > 0,\n"
        f'        "{names.ENVIRONMENT}", "$1", "namespace", {quoted(service + "-(.+)")}\n'
        f"    )\n)"
    )
    return Rule(
        no_ready_pods_name(service),
        expr,
        {SEVERITY: Severity.PAGE, names.SERVICE_NAME: service},
        {
            "summary": f"{service} has no ready pod in {ENVIRONMENT_TEMPLATE}",
            "description": "Its workload wants pods, and none takes requests: clients get no "
            "answer, and SLOs count nothing.",
            "runbook_url": adoption.file_url("docs/how-to/debug-in-kubernetes.md")
            + "#find-out-why-no-pod-is-ready",
            "dashboard_url": adoption.dashboard_url(
                OVERVIEW_UID, ENVIRONMENT_TEMPLATE, begin_template(clock.seconds(MISSING_LOOKBACK))
            ),
        },
        clock.lasts(NO_READY_PODS_HOLD),
    )


def service_group(service: str, clock: Clock, adoption: Adoption) -> Group:
    """Make a service's own alerts: ready pods, and the watchdog."""
    alerts = (no_ready_pods_alert(service, clock, adoption), watchdog(service, adoption))
    return Group(watchdog_group(service), clock.lasts(EVALUATION_INTERVAL), alerts)


def watchdog(service: str, adoption: Adoption) -> Rule:
    """Fire always, in each environment by itself: silence tells that its alerting is broken.

    `absent` returns the labels that its selector asks for, and the operator has each environment's
    copy of the rule ask for its own namespace, `<service>-<environment>`.
    """
    expr = (
        f"label_replace(\n    absent({NEVER_RECORDED}{{{names.SERVICE_NAME}={quoted(service)}}}),\n"
        f'    "{names.ENVIRONMENT}", "$1", "namespace", {quoted(service + "-(.+)")}\n)'
    )
    return Rule(
        watchdog_name(service),
        expr,
        {SEVERITY: Severity.NONE, names.SERVICE_NAME: service},
        {
            "summary": f"Alerting for {service} works in {ENVIRONMENT_TEMPLATE}",
            "description": "Fires always. Its receiver must raise the alarm when it stops.",
            "runbook_url": adoption.file_url("docs/slo.md") + "#when-the-watchdog-falls-silent",
            "dashboard_url": adoption.dashboard_url(OVERVIEW_UID, environment=ENVIRONMENT_TEMPLATE),
        },
        timedelta(0),
    )


def _links(slo: Slo, adoption: Adoption, begin: str) -> dict[str, str]:
    return {
        "runbook_url": adoption.file_url(f"services/{slo.service}/{slo.runbook}"),
        "dashboard_url": adoption.dashboard_url(slo.uid, ENVIRONMENT_TEMPLATE, begin),
    }


def inhibit_rules() -> list[dict[str, list[str]]]:
    """Make Alertmanager's inhibition: a page silences the tickets of its SLO and environment."""
    return [
        {
            "source_matchers": [f'{SEVERITY}="{Severity.PAGE}"'],
            "target_matchers": [f'{SEVERITY}="{Severity.TICKET}"', f'{series.SLO}=~".+"'],
            "equal": [*series.GROUPING, series.SLO],
        }
    ]
