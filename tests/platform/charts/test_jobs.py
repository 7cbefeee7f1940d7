"""Alerts see what they watch, monitors find it, addresses lead to it, and the record is true."""

import re
import tarfile
from collections.abc import Sequence

import pytest
from ruamel.yaml import YAML
from sizing.capacity import LOKI_DISK
from stack import values

from tests.platform.charts import addresses, facts, releases, scrapes, watched, workloads
from tests.platform.charts.releases import Object

# Workloads that serve no metrics, and who notices that they fail.
WITHOUT_METRICS = {
    "Deployment argocd-redis": "the controllers of Argo CD, which count failed requests",
    "Deployment prometheus-adapter": "the API server, by the chart's alert KubeAggregatedAPIDown",
}


@pytest.fixture(scope="module")
def everything() -> list[Object]:
    """The platform with its rules, and the services of one environment."""
    rules = values.read(values.GENERATED / "platform/prometheusrule.yaml")
    rules["metadata"]["namespace"] = releases.OBSERVABILITY
    return [*releases.everything(), rules, *releases.service_objects("dev")]


def test_the_record_for_tests_without_charts_is_true() -> None:
    """A difference that is meant: `make charts-facts`, and read it in the diff."""
    assert facts.record() == facts.read()


@pytest.mark.parametrize("profile", releases.PROFILES)
def test_every_monitor_selects_something_that_is_rendered(profile: str) -> None:
    everything = releases.everything(profile)
    monitors = [each for each in everything if each["kind"] in ("ServiceMonitor", "PodMonitor")]
    given = (*everything, *scrapes.OUTSIDE)
    blind = [m["metadata"]["name"] for m in monitors if not list(scrapes.monitored(m, given))]
    print(f"{len(monitors)} monitors, {len(scrapes.jobs(everything))} jobs")
    assert blind == []


def test_every_alert_can_match_a_job(everything: list[Object]) -> None:
    known = scrapes.jobs([*everything, *releases.everything("scaled")])
    alerts = list(scrapes.alerts(everything))
    print(f"{len(alerts)} alerts")
    assert len(alerts) > 100
    blind = {n: missed for n, e in alerts if (missed := scrapes.unmatched(e, known))}
    assert blind == {}


def test_every_alert_of_the_charts_names_a_page(everything: list[Object]) -> None:
    assert scrapes.without_runbook(everything) == []


def test_one_value_enables_the_control_planes_monitors() -> None:
    """Otherwise its alerts fire for ever on kind and on managed clusters, which do not show it."""
    parts = ("controller-manager", "scheduler", "etcd", "proxy")

    def watched(objects: Sequence[Object]) -> list[str]:
        names = [e["metadata"]["name"] for e in objects if e["kind"] == "ServiceMonitor"]
        return [part for part in parts if any(name.endswith(f"kube-{part}") for name in names)]

    assert watched(releases.everything()) == []
    assert watched(releases.with_control_plane()) == list(parts)


def test_the_charts_inhibitions_are_ours_as_well() -> None:
    (archive,) = (values.PLATFORM / "prometheus/charts").glob("kube-prometheus-stack-*.tgz")
    with tarfile.open(archive) as packed:
        file = packed.extractfile("kube-prometheus-stack/values.yaml")
        assert file
        defaults = YAML(typ="safe", pure=True).load(file.read())
    ours = values.prometheus()["alertmanager"]["config"]["inhibit_rules"]
    theirs = defaults["alertmanager"]["config"]["inhibit_rules"]
    assert [spelled(rule) for rule in theirs] == [spelled(rule) for rule in ours[-len(theirs) :]]


def spelled(rule: dict[str, list[str]]) -> dict[str, list[str]]:
    """Write an inhibition without blanks and quotes."""
    return {key: [re.sub(r"[ \"]", "", text) for text in rule[key]] for key in rule}


def test_an_alert_of_a_job_that_nothing_gives_would_be_noticed(everything: list[Object]) -> None:
    """By a PodMonitor of another name, for instance."""
    expression = dict(scrapes.alerts(everything))["CollectorDown"]
    renamed = [each for each in everything if each["kind"] != "PodMonitor"]
    assert scrapes.unmatched(expression, scrapes.jobs(renamed))


def collected(objects: list[Object]) -> set[str]:
    """Kinds that kube-state-metrics is told to collect, as the names of its series have them."""
    (state,) = (
        container
        for pod in workloads.pods(objects)
        for container in pod.containers
        if container["name"] == "kube-state-metrics"
    )
    (told,) = (each for each in state["args"] if each.startswith("--resources="))
    return {name.removesuffix("s") for name in told.partition("=")[2].split(",")}


def test_every_alert_of_ours_on_kubernetes_state_asks_for_what_is_collected(
    everything: list[Object],
) -> None:
    rules = map(values.read, values.GENERATED.glob("*/rules.yaml"))
    asked = {
        kind
        for given in rules
        for _, expression in scrapes.alerts([{"kind": "PrometheusRule", "spec": given}])
        for kind in re.findall(r"\bkube_([a-z]+)_", expression)
    }
    print(f"kinds: {sorted(asked)}")
    assert {"deployment", "daemonset"} <= asked
    assert asked <= collected(everything)
    assert "endpoint" not in collected(everything), "then kube_endpoint_address is there to be used"


@pytest.mark.parametrize("profile", releases.PROFILES)
def test_every_workload_is_scraped_at_a_port_that_it_has(profile: str) -> None:
    everything = releases.everything(profile)
    found = watched.scraped(everything)
    print(f"{profile}: {len(found)} workloads")
    assert {owner for owner, ports in found.items() if not ports} == found.keys() & WITHOUT_METRICS
    assert watched.undeclared(everything) == []


def test_the_sidecars_of_prometheus_are_scraped_beside_it() -> None:
    found = watched.scraped(releases.everything("scaled"))
    assert {9090, "http"} <= found["Prometheus prometheus-prometheus"]


def test_a_workload_without_a_monitor_would_be_noticed(everything: list[Object]) -> None:
    left = [
        each
        for each in everything
        if (each["kind"], each["metadata"]["name"]) != ("ServiceMonitor", "jaeger")
    ]
    found = watched.scraped(left)
    assert found["Deployment jaeger"] == set()
    assert found["Deployment grafana"] == {"grafana"}


@pytest.mark.parametrize("profile", releases.PROFILES)
@pytest.mark.parametrize("environment", releases.environments())
def test_every_address_leads_to_a_service_that_is_rendered(profile: str, environment: str) -> None:
    services = releases.service_objects(environment)
    asked, dead = addresses.unresolved(releases.everything(profile), services)
    print(f"{environment}, {profile}: {len(asked)} addresses")
    assert "otel-agent.observability" in asked
    assert dead == []


def test_prometheus_finds_its_alertmanager(everything: list[Object]) -> None:
    (found,) = (each for each in everything if each["kind"] == "Prometheus")
    (target,) = found["spec"]["alerting"]["alertmanagers"]
    (service,) = (
        each
        for each in everything
        if each["kind"] == "Service"
        and each["metadata"]["name"] == target["name"]
        and each["metadata"]["namespace"] == target["namespace"]
    )
    assert target["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_a_missing_service_would_be_noticed(everything: list[Object]) -> None:
    services = releases.service_objects("dev")
    without_agent = [
        each
        for each in everything
        if (each["kind"], each["metadata"]["name"]) != ("Service", "otel-agent")
    ]
    assert len(without_agent) < len(everything)
    _, dead = addresses.unresolved(without_agent, services)
    assert "otel-agent.observability" in {host for _, _, host, _ in dead}


def test_every_claim_template_says_its_version_and_kind(everything: list[Object]) -> None:
    """Argo CD compares the list with what the API server has completed."""
    found = list(workloads.claim_templates(everything))
    assert {owner for owner, _ in found} == {"StatefulSet loki", "StatefulSet otel-gateway"}
    for owner, template in found:
        assert (template["apiVersion"], template["kind"]) == ("v1", "PersistentVolumeClaim"), owner


@pytest.mark.parametrize(
    ("profile", "owner"), [("single", "StatefulSet loki"), ("scaled", "StatefulSet loki-ingester")]
)
def test_sizing_computes_with_the_disk_that_loki_has(profile: str, owner: str) -> None:
    (disk,) = [
        template["spec"]["resources"]["requests"]["storage"]
        for each, template in workloads.claim_templates(releases.everything(profile))
        if each == owner
    ]
    assert disk == LOKI_DISK


def test_the_alert_about_pods_of_thanos_names_what_is_rendered(everything: list[Object]) -> None:
    expression = dict(scrapes.alerts(everything))["ThanosDown"]
    asked = set(re.findall(r'(deployment|statefulset)=~"([^"]*)"', expression))
    workloads_there = {
        # The operator makes a StatefulSet of it.
        ("statefulset", f"thanos-ruler-{each['metadata']['name']}")
        if each["kind"] == "ThanosRuler"
        else (each["kind"].lower(), each["metadata"]["name"])
        for each in releases.everything("scaled")
    }
    assert {
        (kind, name)
        for kind, name in workloads_there
        for wanted, pattern in asked
        if kind == wanted and re.fullmatch(pattern, name)
    } == {
        ("deployment", "thanos-query"),
        ("statefulset", "thanos-store-gateway"),
        ("statefulset", "thanos-ruler-prometheus-thanos-ruler"),
    }
