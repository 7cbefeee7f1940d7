"""The result of the Prometheus operator for a Prometheus resource, for the fields that we set.

A stand-in: in a cluster the operator does this. It refuses a field that it does not know, so that
none is silently without effect here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from telemetry import names

from stack import values
from stack.values import Values

# Fields that matter in a cluster only: the image, the disk, where monitors and rules are, and the
# address of the page, which is any free port here.
_CLUSTER_ONLY: Final = {
    "image", "storageSpec", "enforcedNamespaceLabel", "excludedFromEnforcement", "resources",
    "externalUrl",
}  # fmt: skip
LIMITS: Final = {
    "sampleLimit": "sample_limit",
    "labelLimit": "label_limit",
    "labelNameLengthLimit": "label_name_length_limit",
    "labelValueLengthLimit": "label_value_length_limit",
}
"""Limits of a scrape: the key in the chart's values and in a ServiceMonitor, and Prometheus's."""

_CLUSTER_ONLY_SUFFIX: Final = "SelectorNilUsesHelmValues"


def flags(spec: Mapping[str, Any]) -> list[str]:
    """Command line flags for a `prometheusSpec`."""
    arguments = [f"--storage.tsdb.retention.time={spec['retention']}"]
    if size := spec.get("retentionSize"):
        arguments.append(f"--storage.tsdb.retention.size={size}")
    if spec.get("enableOTLPReceiver"):
        arguments.append("--web.enable-otlp-receiver")
    if features := spec.get("enableFeatures"):
        arguments.append(f"--enable-feature={','.join(features)}")
    if delay := spec.get("rules", {}).get("alert", {}).get("resendDelay"):
        arguments.append(f"--rules.alert.resend-delay={delay}")
    return arguments


def config(
    spec: Mapping[str, Any],
    *,
    jobs: Sequence[Values],
    alertmanager: str,
    rule_files: Sequence[Path],
) -> Values:
    """Build prometheus.yml for a `prometheusSpec`.

    Raises:
        ValueError: If the specification has a field that this stand-in does not translate.
    """
    _refuse_unknown(spec)
    otlp = spec["otlp"]
    return {
        "global": {
            "scrape_interval": spec["scrapeInterval"],
            "evaluation_interval": spec["evaluationInterval"],
            "scrape_native_histograms": spec["scrapeNativeHistograms"],
            "target_limit": spec["enforcedTargetLimit"],
        },
        "otlp": {
            "translation_strategy": otlp["translationStrategy"],
            "promote_resource_attributes": otlp["promoteResourceAttributes"],
        },
        "storage": {
            "exemplars": {"max_exemplars": spec["exemplars"]["maxSize"]},
            "tsdb": {"out_of_order_time_window": spec["tsdb"]["outOfOrderTimeWindow"]},
        },
        "rule_files": [str(file) for file in rule_files],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": list(jobs),
    }


def service_job(service: str, environment: str, target: str) -> Values:
    """Scrape job of a service, with labels and limits as by the service chart's ServiceMonitor."""
    return _job(service, service, environment, target)


def prober_job(service: str, environment: str, target: str) -> Values:
    """Scrape job of a service's prober, as the service chart's ServiceMonitor labels it.

    The target is the prober, and what it counts is about the service.
    """
    job = _job(f"{service}-prober", service, environment, target)
    keep = {
        "action": "keep",
        "source_labels": ["__name__"],
        "regex": "cloudprober_(total|success|latency)",
    }
    about = {"action": "replace", "target_label": names.SERVICE_NAME, "replacement": service}
    return {**job, "metric_relabel_configs": [keep, about]}


def _job(name: str, service: str, environment: str, target: str) -> Values:
    monitor = values.service(service)["serviceMonitor"]
    labels = {names.SERVICE_NAME: name, names.ENVIRONMENT: environment}
    return {
        "job_name": name,
        "static_configs": [{"targets": [target], "labels": labels}],
        **{own: monitor[key] for key, own in LIMITS.items()},
    }


def platform_job(name: str, target: str) -> Values:
    """Scrape job of a component of the platform."""
    return {"job_name": name, "static_configs": [{"targets": [target]}]}


def _refuse_unknown(spec: Mapping[str, Any]) -> None:
    known = {
        "scrapeInterval", "evaluationInterval", "retention", "retentionSize", "enableOTLPReceiver",
        "otlp", "enableFeatures", "exemplars", "scrapeNativeHistograms", "tsdb",
        "rules", "enforcedTargetLimit",
    } | _CLUSTER_ONLY  # fmt: skip
    unknown = [k for k in spec if k not in known and not k.endswith(_CLUSTER_ONLY_SUFFIX)]
    if unknown:
        raise ValueError(
            f"prometheusSpec: {', '.join(unknown)}: translate it in stack/prometheus.py"
        )
