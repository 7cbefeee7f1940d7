"""The configurations that the charts render are those that `make stack` runs."""

import base64
import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from stack import images, prometheus, values

from tests.node import absent, charts
from tests.node import images as node_images
from tests.platform.charts import releases, workloads
from tests.platform.charts.releases import SINGLE, Object, Release

# Alertmanager's own defaults, which its chart writes down.
ALERTMANAGER = {"group_wait": "30s", "group_interval": "5m"}
# The chart adds rules of its own to this list.
LONGER = "excludedFromEnforcement"
RESOLVE_TIMEOUT = "5m"


def release(chart: str, where: str = releases.BY_ARGO_CD, profile: str = SINGLE) -> Release:
    wanted = (chart, where, profile)
    (found,) = (r for r in releases.platform() if (r.chart, r.where, r.profile) == wanted)
    return found


def one(which: Release, kind: str, name: str) -> Object:
    return releases.one(releases.objects(which), kind, name)


def loaded(text: str | bytes) -> Any:
    return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize(
    ("where", "overlays"),
    [(releases.BY_ARGO_CD, ()), ("tail sampling", ("values-tail-sampling.yaml",))],
    ids=["as declared", "tail sampling"],
)
@pytest.mark.parametrize(
    ("role", "name"), [("agent", "otel-agent-agent"), ("gateway", "otel-gateway-statefulset")]
)
def test_collector(role: str, name: str, where: str, overlays: tuple[str, ...]) -> None:
    which = release("otel-collector", where)
    rendered = loaded(one(which, "ConfigMap", name)["data"]["relay"])
    if role == "agent":
        assert rendered["processors"].pop(values.ONLY_IN_CLUSTER)["extract"]["otel_annotations"]
        for pipeline in rendered["service"]["pipelines"].values():
            pipeline["processors"].remove(values.ONLY_IN_CLUSTER)
    assert rendered == values.collector(role, overlays)


@pytest.mark.parametrize("profile", [SINGLE, "scaled"])
def test_jaeger(profile: str) -> None:
    which = release("jaeger", profile=profile)
    rendered = one(which, "ConfigMap", "user-config")["data"]["user-config.yaml"]
    assert loaded(rendered) == values.jaeger(profile)


def test_a_changed_configuration_of_jaeger_changes_its_pods() -> None:
    which = release("jaeger")
    before = one(which, "Deployment", "jaeger")["spec"]["template"]
    given = {"jaeger": {"userconfig": {"extensions": {"jaeger_query": {"max_clock_skew": "5s"}}}}}
    changed = Release("changed", "jaeger", which.namespace, given=json.dumps(given))
    assert one(changed, "Deployment", "jaeger")["spec"]["template"] != before


@pytest.mark.parametrize(
    ("profile", "owner"), [(SINGLE, "StatefulSet loki"), ("scaled", "StatefulSet loki-ingester")]
)
def test_loki(profile: str, owner: str) -> None:
    which = release("loki", profile=profile)
    rendered = one(which, "ConfigMap", "loki")["data"]["config.yaml"]
    assert loaded(rendered) == values.loki(profile)
    (container,) = one(which, *owner.split())["spec"]["template"]["spec"]["containers"]
    assert "-config.expand-env=true" in container["args"]


def test_prometheus() -> None:
    rendered = one(release("prometheus"), "Prometheus", "prometheus-prometheus")["spec"]
    spec = values.prometheus()["prometheus"]["prometheusSpec"]
    asked = {
        key: value
        for key, value in spec.items()
        if key in rendered and key not in ("image", LONGER)
    }
    assert {key: rendered[key] for key in asked} == asked
    assert [each for each in spec[LONGER] if each not in rendered[LONGER]] == []
    assert set(spec) - set(asked) - {"image", "storageSpec", LONGER} == {
        key for key in spec if key.endswith("SelectorNilUsesHelmValues")
    }
    for key in ("serviceMonitor", "podMonitor", "rule", "probe", "scrapeConfig"):
        assert rendered[f"{key}Selector"] == {}, "every monitor and rule, whoever made it"
    assert prometheus.flags(rendered) == prometheus.flags(spec)


def test_alertmanager() -> None:
    secret = one(release("prometheus"), "Secret", "alertmanager-prometheus-alertmanager")
    rendered = loaded(base64.b64decode(secret["data"]["alertmanager.yaml"]))
    declared = copy.deepcopy(values.prometheus()["alertmanager"]["config"])
    assert rendered.pop("global") == {"resolve_timeout": RESOLVE_TIMEOUT}
    assert rendered.pop("templates") == ["/etc/alertmanager/config/*.tmpl"]
    for key, value in ALERTMANAGER.items():
        assert rendered["route"].pop(key) == value
    assert rendered == declared


def test_grafana() -> None:
    rendered = one(release("grafana"), "ConfigMap", "grafana")["data"]["datasources.yaml"]
    assert loaded(rendered) == values.grafana_datasources()


@pytest.mark.parametrize(
    ("component", "chart", "owner", "container"),
    [
        ("agent", "otel-collector", "DaemonSet otel-agent-agent", "agent"),
        ("gateway", "otel-collector", "StatefulSet otel-gateway", "gateway"),
        ("jaeger", "jaeger", "Deployment jaeger", "jaeger"),
        ("loki", "loki", "StatefulSet loki", "loki"),
        ("grafana", "grafana", "Deployment grafana", "grafana"),
    ],
)
def test_the_stack_runs_the_images_of_the_charts(
    component: str, chart: str, owner: str, container: str
) -> None:
    (pod,) = (p for p in workloads.pods(releases.objects(release(chart))) if p.owner == owner)
    (found,) = (each["image"] for each in pod.containers if each["name"] == container)
    assert found.removeprefix("docker.io/") == images.image(component).removeprefix("docker.io/")


@pytest.mark.parametrize("component", ["prometheus", "alertmanager"])
def test_the_stack_runs_the_images_that_the_operator_is_told(component: str) -> None:
    found = one(release("prometheus"), component.capitalize(), f"prometheus-{component}")["spec"]
    assert found["image"] == images.image(component)


def test_links_lead_to_the_addresses_that_were_adopted() -> None:
    urls = values.read(values.PLATFORM / "adopt.yaml")["urls"]
    which = release("prometheus")
    for kind, name in (("Prometheus", "prometheus"), ("Alertmanager", "alertmanager")):
        found = one(which, kind, f"prometheus-{name}")["spec"]["externalUrl"]
        assert found == urls[name]
    ini = one(release("grafana"), "ConfigMap", "grafana")["data"]["grafana.ini"]
    assert f"root_url = {urls['grafana']}\n" in ini


def test_with_tilt_links_lead_to_forwarded_ports_and_no_receiver_is_set() -> None:
    which = release("prometheus", releases.BY_TILT, "local")
    url = one(which, "Prometheus", "prometheus-prometheus")["spec"]["externalUrl"]
    assert url == "http://localhost:9090"
    secret = one(which, "Secret", "alertmanager-prometheus-alertmanager")
    receivers = loaded(base64.b64decode(secret["data"]["alertmanager.yaml"]))["receivers"]
    assert [set(receiver) for receiver in receivers] == [{"name"}] * 4
    assert "secrets" not in one(which, "Alertmanager", "prometheus-alertmanager")["spec"]
    ini = one(release("grafana", releases.BY_TILT, "local"), "ConfigMap", "grafana")["data"][
        "grafana.ini"
    ]
    assert "root_url = http://localhost:3000\n" in ini


def test_stand_in_chart_configures_collectors_as_the_upstream_chart_does(
    tmp_path: Path,
) -> None:
    which = release("otel-collector")
    stand_in = which.manifests(charts.copy(charts.COLLECTOR, tmp_path, is_real=False))
    configurations = [
        [
            loaded(each["data"]["relay"])
            for each in sorted(rendered, key=lambda each: str(each["metadata"]["name"]))
            if each["kind"] == "ConfigMap"
        ]
        for rendered in (
            releases.parsed(releases.documents(stand_in)),
            releases.objects(which),
        )
    ]
    assert len(configurations[0]) == 2
    assert configurations[0] == configurations[1]


def test_images_of_the_node_hold_the_versions_that_their_tags_say() -> None:
    """Of the tools whose version no value of ours pins: the charts alone name them."""
    chosen = ["operator", "prometheus-config-reloader", "node_exporter", "kube-state-metrics"]
    command = [sys.executable, "tools/build.py", "--versions", *chosen]
    told = subprocess.run(command, cwd=values.ROOT, check=True, capture_output=True, text=True)
    pinned = dict(line.split() for line in told.stdout.splitlines())
    tags = {}
    for name in node_images.rendered():
        repository, _, tag = name.rpartition(":")
        if repository not in absent.ENTRY_POINTS:  # those hold other versions, or other programs
            tags[node_images.PROGRAMS[repository][0]] = tag.removesuffix("-distroless")
    assert {program: tags[program] for program in chosen} == pinned
