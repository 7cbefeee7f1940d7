"""Values, rules and the stack agree with what the upstream charts make of the values.

The charts are not needed: what they render was recorded, and `make charts` compares the record.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stack import values
from stack.components import JOBS

from tests.platform.charts import addresses, facts, scrapes, vendor
from tests.platform.charts.releases import OBSERVABILITY, Object

FACTS = facts.read()
PIPELINE = values.pipeline_rules()
RULES = {file.parent.name: values.read(file) for file in values.GENERATED.glob("*/rules.yaml")}
SERVICES = {
    (name, OBSERVABILITY): set(ports)
    for chart in (*FACTS["charts"].values(), *FACTS["more_if_scaled"].values())
    for name, ports in chart["services"].items()
}


def rule_objects(rules: dict[str, Any]) -> list[Object]:
    return [{"kind": "PrometheusRule", "metadata": {}, "spec": rules}]


@pytest.mark.parametrize("chart", vendor.UMBRELLAS)
def test_the_record_is_of_the_pinned_chart(chart: str) -> None:
    """Otherwise: `make charts-facts`, and read the difference."""
    pinned = [pin.archive for pin in vendor.pins(values.PLATFORM / chart)]
    assert FACTS["charts"][chart]["upstream"] == pinned


@pytest.mark.parametrize("name", RULES)
def test_no_alert_asks_for_a_job_that_no_monitor_gives(name: str) -> None:
    missed = {
        alert: unmatched
        for alert, expression in scrapes.alerts(rule_objects(RULES[name]))
        if (unmatched := scrapes.unmatched(expression, FACTS["jobs"]))
    }
    assert missed == {}


def test_a_job_that_no_monitor_gives_would_be_noticed() -> None:
    expression = 'up{job=~"(.+/)?otel-agent"} == 0 or absent(up{job="otel-gateway"})'
    assert scrapes.unmatched(expression, FACTS["jobs"]) == ['job=~"(.+/)?otel-agent"']


def test_a_collector_that_is_down_or_missing_has_an_alert() -> None:
    """By target, without any target, and on a node without an agent."""
    expressions = dict(scrapes.alerts(rule_objects(PIPELINE)))
    down = expressions["CollectorDown"]
    (workload,) = FACTS["charts"]["otel-collector"]["objects"]["DaemonSet"]
    for job in (f"{OBSERVABILITY}/{workload}", "otel-gateway"):
        assert job in FACTS["jobs"]
        assert f'absent(up{{job="{job}"}})' in down
    assert f'kube_daemonset_status_number_ready{{namespace="{OBSERVABILITY}",' in down
    assert f'daemonset="{workload}"}}' in down


def test_the_data_loss_alert_ignores_a_full_queue() -> None:
    """A full queue is answered by an error: the agent, and the receiver of log files, try again."""
    expressions = dict(scrapes.alerts(rule_objects(PIPELINE)))
    assert "otelcol_exporter_send_failed_log_records" in expressions["CollectorLosesData"]
    assert "enqueue_failed" not in expressions["CollectorLosesData"]


def test_the_stack_scrapes_its_components_under_the_jobs_of_a_cluster() -> None:
    assert set(JOBS) <= set(FACTS["jobs"])


@pytest.mark.parametrize("chart", vendor.UMBRELLAS)
def test_every_address_in_the_values_is_one_of_a_service(chart: str) -> None:
    wrong = [
        (path, f"{host}:{port}")
        for path, host, port in addresses.inside(values.chart(chart))
        if not addresses.resolves(host, port, SERVICES)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "file",
    sorted(values.PLATFORM.glob("profiles/*/*.yaml")),
    ids=lambda f: f"{f.parent.name}-{f.stem}",
)
def test_every_address_in_a_profile_is_one_of_a_service(file: Path) -> None:
    found = [(p, f"{h}:{n}", h, n) for p, h, n in addresses.inside(values.read(file))]
    wrong = [(p, a) for p, a, h, n in found if not addresses.resolves(h, n, SERVICES)]
    assert wrong == []


def test_services_send_to_an_address_of_the_agent() -> None:
    telemetry = values.chart("chart")["telemetry"]
    assert telemetry["port"] in SERVICES[telemetry["agent"], telemetry["namespace"]]


def test_the_platforms_project_allows_the_kinds_that_its_charts_render_and_no_others() -> None:
    """A template of Helm, read without Helm: the first project of the file is the platform's."""
    text = (values.PLATFORM / "argocd/apps/templates/projects.yaml").read_text()
    allowed = set(re.findall(r'kind: "?(\w+|\*)"?\}', text.split("{{- range $environment")[0]))
    charts = {name: chart for name, chart in FACTS["charts"].items() if "argocd" not in name}
    scaled = [each for name, each in FACTS["more_if_scaled"].items() if "argocd" not in name]
    rendered = {kind for chart in [*charts.values(), *scaled] for kind in chart["objects"]}
    # The project allows the whole group of these.
    operated = {
        kind
        for chart in charts.values()
        for kind, name in chart["kinds"].items()
        if name.endswith(".monitoring.coreos.com")
    }
    by_argo_cd = {"Namespace", "CustomResourceDefinition"}
    assert allowed - {"*"} == (rendered - operated) | by_argo_cd


def test_argo_cd_may_deploy_the_kinds_of_the_projects_and_no_others() -> None:
    """The rights of the application controller, against every project of the two charts."""
    folder = values.PLATFORM / "argocd"
    files = ("apps/templates/projects.yaml", "root/templates/projects.yaml")
    text = "".join((folder / file).read_text() for file in files)
    pairs = re.findall(r'\{group: "?([\w.]*)"?, kind: "?(\w+|\*)"?\}', text)
    allowed = {(group, plural(kind)) for group, kind in pairs}
    controller = values.chart("argocd/install")["argo-cd"]["controller"]
    granted = {
        (group, resource)
        for rule in controller["clusterRoleRules"]["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if "create" in rule["verbs"]
    }
    everything = {group for group, resource in allowed if resource == "*"}
    explicit = {each for each in allowed if each[0] not in everything}
    assert granted == explicit | {(group, "*") for group in everything}


def plural(kind: str) -> str:
    """Return the name of a kind's resource."""
    name = kind.lower()
    return name if kind == "*" else f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def claim_templates(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "volumeClaimTemplates":
                yield from ((f"{path}.{key}", template) for template in each)
            else:
                yield from claim_templates(each, f"{path}.{key}")


@pytest.mark.parametrize("chart", vendor.UMBRELLAS)
def test_every_claim_template_in_the_values_says_its_version_and_kind(chart: str) -> None:
    """The API server adds them, and Argo CD compares the list as a whole: OutOfSync for ever."""
    lacking = [
        path
        for path, template in claim_templates(values.chart(chart))
        if (template.get("apiVersion"), template.get("kind")) != ("v1", "PersistentVolumeClaim")
    ]
    assert lacking == []


@pytest.mark.parametrize(
    ("host", "port", "expected"),
    [
        ("thanos-query", 9090, True),
        ("thanos-query.observability", 9090, True),
        ("thanos-query.elsewhere", 9090, False),
        ("thanos-query", 9091, False),
        ("prometheus-prometheus-prometheus-1.prometheus-operated", 9090, True),
        ("prometheus-prometheus-prometheus-1.prometheus-operating", 9090, False),
        ("prometheus-operated", 9091, False),
    ],
)
def test_an_address_leads_to_a_service_or_to_a_pod_of_one(
    host: str, port: int, expected: bool
) -> None:
    assert addresses.resolves(host, port, SERVICES) is expected
