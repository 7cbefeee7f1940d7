"""Alerts about the telemetry pipeline. Tickets: users of the services do not feel it yet."""

from datetime import timedelta
from typing import Final

from telemetry import names

from slo.adoption import Adoption
from slo.alerts import SEVERITY
from slo.rules import Group, Rule
from slo.windows import Severity

RUNBOOK: Final = "docs/runbooks/pipeline.md"
INTERVAL: Final = timedelta(seconds=30)

# The job of a PodMonitor is its namespace and name, that of a ServiceMonitor its Service's name.
_AGENT: Final = 'up{job="observability/otel-agent-agent"}'
_GATEWAY: Final = 'up{job="otel-gateway"}'
_DAEMONSET: Final = '{namespace="observability", daemonset="otel-agent-agent"}'
# Labels of a target, without its pod: all pods of a service have one alert.
_SCRAPED: Final = ("job", names.SERVICE_NAME, names.ENVIRONMENT)
_NEAR: Final = 0.9
_SIGNALS: Final = ("spans", "log_records", "metric_points")


def pipeline_group(adoption: Adoption) -> Group:
    """Make the alerts about Collectors that are down, full or lose data, and about many series."""
    minutes = timedelta(minutes=1)
    rules = (
        _ticket(
            "CollectorDown",
            # A node without an agent has no target that could be down: the last part counts nodes.
            f"{_AGENT} == 0\nor\n{_GATEWAY} == 0\nor\n"
            f"absent({_AGENT})\nor\nabsent({_GATEWAY})\nor\n"
            f"kube_daemonset_status_desired_number_scheduled{_DAEMONSET}\n"
            f"> kube_daemonset_status_number_ready{_DAEMONSET}",
            2 * minutes,
            "A Collector does not answer its scrape, or a node has none",
            "Traces and logs that pass it are missing or late.",
            adoption,
        ),
        _ticket(
            "CollectorQueueFilling",
            "otelcol_exporter_queue_size / otelcol_exporter_queue_capacity > 0.5",
            5 * minutes,
            "A Collector's queue is half full",
            "The backend of {{ $labels.exporter }} takes less than it is sent; what does not fit "
            "the queue will be refused.",
            adoption,
        ),
        _ticket(
            "CollectorLosesData",
            # Data that does not fit a queue is not lost: its sender keeps it
            # (CollectorRefusesData).
            _any_rate("exporter", "otelcol_exporter_send_failed"),
            5 * minutes,
            "A Collector drops data",
            "A backend refuses for good what {{ $labels.exporter }} sends.",
            adoption,
        ),
        _ticket(
            "CollectorRefusesData",
            _any_rate("receiver", "otelcol_receiver_refused"),
            5 * minutes,
            "A Collector is out of memory or queue",
            "{{ $labels.receiver }} refuses telemetry; its senders try again.",
            adoption,
        ),
        _ticket(
            "SeriesNearLimit",
            # Prometheus counts the samples of a refused scrape too, so that this alert stays.
            f"max by ({', '.join(_SCRAPED)}) (\n"
            "    scrape_samples_post_metric_relabeling / (scrape_sample_limit > 0)\n"
            f") > {_NEAR}",
            5 * minutes,
            "A target has almost as many series as Prometheus accepts",
            "{{ $labels.job }} is at {{ $value | humanizePercentage }} of its sample limit. Above "
            "100 %, Prometheus refuses the scrape, and SLOs miss the target's events.",
            adoption,
        ),
    )
    return Group("pipeline", INTERVAL, rules)


def _any_rate(by: str, prefix: str) -> str:
    # A rate over several metrics at once fails where they have the same labels.
    return "\nor\n".join(
        f"sum by (job, {by}) (rate({prefix}_{signal}[5m])) > 0" for signal in _SIGNALS
    )


def _ticket(
    name: str, expr: str, hold: timedelta, summary: str, description: str, adoption: Adoption
) -> Rule:
    annotations = {
        "summary": summary,
        "description": description,
        "runbook_url": f"{adoption.file_url(RUNBOOK)}#{name.lower()}",
    }
    return Rule(name, expr, {SEVERITY: Severity.TICKET}, annotations, hold)
