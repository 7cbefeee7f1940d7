"""The configurations that clusters get, and `make stack` runs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from slo import alerts
from stack import prometheus, values
from telemetry import names, redaction

TAIL_SAMPLING = ("values-tail-sampling.yaml",)
OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "": ("single", ()),
    " with tail sampling": ("single", TAIL_SAMPLING),
    ", scaled": ("scaled", ()),
    ", scaled, with tail sampling": ("scaled", TAIL_SAMPLING),
}
ROLES = {
    f"{role}{option}": values.of_profile("otel-collector", *of_option)[role]
    for role in ("agent", "gateway")
    for option, of_option in OPTIONS.items()
}
COLLECTORS = {name: role["alternateConfig"] for name, role in ROLES.items()} | {
    "jaeger": values.jaeger()
}
# The exporter that sends the spans of a trace to one gateway.
ROUTING = "load_balancing"
TO = "metrics_endpoint"
CHARTS = sorted(
    str(file.parent.relative_to(values.PLATFORM))
    for file in values.PLATFORM.glob("**/Chart.yaml")
    if "dependencies" in values.read(file)
)


def used(config: dict[str, Any], kind: str) -> Iterator[str]:
    if kind == "extensions":
        yield from config["service"]["extensions"]
    for pipeline in config["service"]["pipelines"].values():
        yield from pipeline.get(kind, [])


@pytest.mark.parametrize("name", COLLECTORS)
def test_each_component_that_is_defined_is_used_and_each_that_is_used_is_defined(name: str) -> None:
    config = COLLECTORS[name]
    for kind in ("extensions", "receivers", "processors", "exporters", "connectors"):
        expected = set(used(config, kind)) - {values.ONLY_IN_CLUSTER}
        assert set(config.get(kind, {})) == expected, kind


def test_only_the_agent_leaves_a_processor_to_the_charts_preset() -> None:
    processors = {name: set(used(config, "processors")) for name, config in COLLECTORS.items()}
    having = [name for name, names in processors.items() if values.ONLY_IN_CLUSTER in names]
    assert having == [name for name in ROLES if name.startswith("agent")]
    presets = values.chart("otel-collector")["agent"]["presets"]
    assert presets["kubernetesAttributes"]["enabled"]


@pytest.mark.parametrize("name", ROLES)
def test_the_memory_limiter_comes_first_and_redaction_comes_before_sampling(name: str) -> None:
    for pipeline in COLLECTORS[name]["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        if "tail_sampling" in pipeline["processors"]:
            assert pipeline["processors"][-2:] == ["redaction", "tail_sampling"]


@pytest.mark.parametrize("name", ROLES)
def test_every_exporter_keeps_a_bounded_queue_on_disk_and_never_gives_up(name: str) -> None:
    config = COLLECTORS[name]
    for kind, exporter in config["exporters"].items():
        if kind == ROUTING:
            continue
        queue = exporter["sending_queue"]
        assert queue["storage"] == "file_storage"
        assert (queue["sizer"], queue["queue_size"]) == ("bytes", 50_000_000)
        assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    assert "file_storage" in config["service"]["extensions"]


@pytest.mark.parametrize("profile", ["", ", scaled"])
def test_tail_sampling_adds_one_processor_and_changes_nothing_else(profile: str) -> None:
    plain = COLLECTORS[f"gateway{profile}"]
    sampled = COLLECTORS[f"gateway{profile} with tail sampling".replace("d w", "d, w")]
    expected = json.loads(json.dumps(plain))
    expected["processors"]["tail_sampling"] = sampled["processors"]["tail_sampling"]
    expected["service"]["pipelines"]["traces"]["processors"].append("tail_sampling")
    assert sampled == expected


def test_with_tail_sampling_agents_route_traces_alone() -> None:
    plain, sampled = COLLECTORS["agent"], COLLECTORS["agent with tail sampling"]
    expected = json.loads(json.dumps(plain))
    expected["exporters"][ROUTING] = sampled["exporters"][ROUTING]
    expected["service"]["pipelines"]["traces"]["exporters"] = [ROUTING]
    assert sampled == expected
    assert sampled == COLLECTORS["agent, scaled, with tail sampling"]


def test_the_queue_of_each_gateway_in_an_agent_is_bounded_and_never_gives_up() -> None:
    exporter = COLLECTORS["agent with tail sampling"]["exporters"][ROUTING]
    assert exporter["routing_key"] == "traceID"
    to_one = exporter["protocol"]["otlp"]
    assert to_one["retry_on_failure"]["max_elapsed_time"] == 0
    # With a retry before the division, one full queue would send the other shares again.
    assert "retry_on_failure" not in exporter
    queues = (exporter["sending_queue"], to_one["sending_queue"])
    assert [queue["sizer"] for queue in queues] == ["bytes", "bytes"]
    waiting = queues[0]["queue_size"] + 3 * queues[1]["queue_size"]
    limit = ROLES["agent"]["resources"]["limits"]["memory"]
    assert waiting < 0.4 * int(limit.removesuffix("Mi")) * 2**20


def test_agents_know_every_gateway_that_the_autoscaler_keeps() -> None:
    gateway = ROLES["gateway, scaled"]
    (variable,) = ROLES["agent, scaled"]["extraEnvs"]
    assert variable["name"] == "GATEWAY_ENDPOINTS"
    replicas = gateway["autoscaling"]["minReplicas"]
    services = [each for each in gateway["extraManifests"] if each["kind"] == "Service"]
    pods = [f"{gateway['fullnameOverride']}-{number}" for number in range(replicas)]
    assert [each["metadata"]["name"] for each in services] == pods
    for pod, service in zip(pods, services, strict=True):
        assert service["spec"]["selector"] == {"statefulset.kubernetes.io/pod-name": pod}
    ports = [service["spec"]["ports"][0]["port"] for service in services]
    listed = [f"{pod}:{port}" for pod, port in zip(pods, ports, strict=True)]
    assert variable["value"] == f"[{', '.join(listed)}]"


def test_the_autoscaler_removes_no_gateway_and_deletes_no_queue() -> None:
    gateway = ROLES["gateway, scaled"]
    assert gateway["autoscaling"]["behavior"]["scaleDown"] == {"selectPolicy": "Disabled"}
    # Without a policy of its own, Kubernetes keeps the volumes of a StatefulSet.
    assert "persistentVolumeClaimRetentionPolicy" not in gateway["statefulset"]


def test_each_replica_of_prometheus_gets_every_metric_by_a_queue_of_its_own() -> None:
    config = COLLECTORS["gateway, scaled"]
    names_of_two = ["otlp_http/prometheus", "otlp_http/prometheus-1"]
    assert config["service"]["pipelines"]["metrics"]["exporters"] == names_of_two
    first, second = (dict(config["exporters"][name]) for name in names_of_two)
    given = {each["name"]: each["value"] for each in ROLES["gateway, scaled"]["extraEnvs"]}
    urls = [
        given["PROMETHEUS_URL"],
        re.sub(r"^\$\{env:PROMETHEUS_1_URL:-(.*)}/.*", r"\1", second.pop(TO)),
    ]
    first.pop(TO)
    assert first == second
    name = values.prometheus()["fullnameOverride"]
    # The operator's names: of the object, which the chart makes, and of the Service of its pods.
    pod = f"prometheus-{name}-prometheus"
    assert urls == [f"http://{pod}-{number}.prometheus-operated:9090" for number in (0, 1)]


def test_the_rule_about_a_stop_reads_the_file_that_the_container_writes() -> None:
    role = ROLES["gateway with tail sampling"]
    first, *others = role["alternateConfig"]["processors"]["tail_sampling"]["policies"]
    (rule,) = first["drop"]["drop_sub_policy"]
    assert [each["type"] for each in others].count("drop") == 0
    (condition,) = rule["ottl_condition"]["span"]
    folder = role["alternateConfig"]["extensions"]["file_storage"]["directory"]
    start, _, read = condition.partition(" <= ")
    assert start == "UnixSeconds(span.start_time)"
    assert read == "${file:" + folder + f"/{values.LAST_ALIVE}" + "}"
    (container,) = role["initContainers"]
    (mount,) = role["extraVolumeMounts"]
    assert container["volumeMounts"] == [mount]
    file = f"{mount['mountPath']}/{values.LAST_ALIVE}"
    assert container["startupProbe"]["exec"]["command"] == ["test", "-f", file]
    # The kubelet starts it before the gateway and leaves it running.
    assert container["restartPolicy"] == "Always"
    assert container["securityContext"] == role["securityContext"]


@pytest.mark.parametrize("name", CHARTS)
def test_an_umbrella_chart_pins_one_upstream_chart_by_its_whole_version(name: str) -> None:
    dependencies = values.read(values.PLATFORM / name / "Chart.yaml")["dependencies"]
    assert len({(d["name"], d["version"], d["repository"]) for d in dependencies}) == 1
    assert dependencies[0]["repository"].startswith("https://")
    assert [part.isdigit() for part in dependencies[0]["version"].split(".")] == [True] * 3
    keys = {dependency.get("alias", dependency["name"]) for dependency in dependencies}
    # Values of the umbrella chart's own templates.
    own = {"admission"} if name == "kyverno" else set()
    assert set(values.chart(name)) == keys | own


def tool_version(tool: str) -> str:
    """Version of the module whose command a tool's go.mod builds."""
    text = (values.ROOT / "tools" / tool / "go.mod").read_text()
    (block, line), *_ = re.findall(r"^tool (?:\(\s*(\S+)|([^\s(]+))", text, re.MULTILINE)
    requirements = dict(re.findall(r"^(?:require)?\s+(\S+) (v\S+)", text, re.MULTILINE))
    holding = max(filter((block or line).startswith, requirements), key=len)
    return str(requirements[holding]).removeprefix("v")


def test_clusters_run_the_versions_that_the_tests_run() -> None:
    collector = values.chart("otel-collector")
    stack = values.prometheus()
    # The module v0.316.0 is Prometheus 3.16.0; Jaeger's v1.76.0 holds both 1.76.0 and 2.13.0.
    prometheus_version = re.sub(r"^0\.(\d)(\d+)\.", r"\1.\2.", tool_version("prometheus"))
    jaeger_version = re.sub(r"^1\.76\.", "2.13.", tool_version("jaeger"))
    assert {
        "agent": collector["agent"]["image"]["tag"],
        "gateway": collector["gateway"]["image"]["tag"],
        "jaeger": values.chart("jaeger")["jaeger"]["jaeger"]["image"]["tag"],
        "alertmanager": stack["alertmanager"]["alertmanagerSpec"]["image"]["tag"],
        "prometheus": stack["prometheus"]["prometheusSpec"]["image"]["tag"],
        "loki": values.chart("loki")["loki"]["loki"]["image"]["tag"],
        "prober": values.chart("chart")["prober"]["image"]["tag"],
        "rollouts": values.chart("argo-rollouts")["argo-rollouts"]["controller"]["image"]["tag"],
    } == {
        "agent": tool_version("otelcol"),
        "gateway": tool_version("otelcol"),
        "jaeger": jaeger_version,
        "alertmanager": f"v{tool_version('alertmanager')}",
        "prometheus": f"v{prometheus_version}",
        "loki": tool_version("loki"),
        "prober": f"v{tool_version('cloudprober')}",
        "rollouts": f"v{tool_version('argo-rollouts')}",
    }


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("otel-collector", values.chart("otel-collector")["gateway"]["image"]["tag"]),
        ("prometheus", values.prometheus()["prometheus"]["prometheusSpec"]["image"]["tag"]),
        ("jaeger", values.chart("jaeger")["jaeger"]["jaeger"]["image"]["tag"]),
        ("loki", values.chart("loki")["loki"]["loki"]["image"]["tag"]),
        ("grafana", values.grafana_version()),
        (
            "argo-rollouts",
            values.chart("argo-rollouts")["argo-rollouts"]["controller"]["image"]["tag"],
        ),
        ("kyverno", tool_version("kyverno")),
        ("prometheus-adapter", tool_version("prometheus-adapter")),
        ("thanos", values.chart("thanos")["thanos"]["image"]["tag"]),
    ],
)
def test_a_chart_says_which_version_it_brings(name: str, tag: str) -> None:
    chart = values.read(values.PLATFORM / name / "Chart.yaml")
    assert chart["appVersion"] == tag.removeprefix("v")


def test_panels_are_drawn_by_the_packages_of_the_grafana_that_clusters_run() -> None:
    packages = json.loads((values.ROOT / "tools" / "panels" / "package.json").read_text())
    versions = {
        version for name, version in packages["dependencies"].items() if "@grafana/" in name
    }
    assert versions == {values.grafana_version()}


def test_a_lock_of_packages_names_no_registry() -> None:
    lock = json.loads((values.ROOT / "tools" / "panels" / "package-lock.json").read_text())
    assert len(lock["packages"]) > 100
    assert [name for name, each in lock["packages"].items() if "resolved" in each] == []


def test_a_field_of_prometheus_that_the_stand_in_does_not_know_is_refused() -> None:
    spec = {**values.prometheus()["prometheus"]["prometheusSpec"], "walCompression": True}
    with pytest.raises(ValueError, match="walCompression"):
        prometheus.config(spec, jobs=[], alertmanager="localhost:9093", rule_files=[])


def test_grafanas_datasources_link_to_one_another_by_ids_that_exist() -> None:
    datasources = values.grafana_datasources()["datasources"]
    by_id = {datasource["uid"]: datasource["jsonData"] for datasource in datasources}
    links = {
        "metric to trace": by_id["prometheus"]["exemplarTraceIdDestinations"][0]["datasourceUid"],
        "trace to logs": by_id["jaeger"]["tracesToLogsV2"]["datasourceUid"],
        "trace to metrics": by_id["jaeger"]["tracesToMetrics"]["datasourceUid"],
        "log to trace": by_id["loki"]["derivedFields"][0]["datasourceUid"],
    }
    assert links == {
        "metric to trace": "jaeger",
        "trace to logs": "loki",
        "trace to metrics": "prometheus",
        "log to trace": "jaeger",
    }
    assert set(links.values()) <= set(by_id)


def test_alertmanager_inhibits_as_the_slo_compiler_says() -> None:
    config = values.prometheus()["alertmanager"]["config"]
    assert alerts.inhibit_rules() == config["inhibit_rules"][:1]


def test_tail_sampling_keeps_what_the_services_call_slow() -> None:
    """Exemplars go to exactly those traces."""
    processor = COLLECTORS["gateway with tail sampling"]["processors"]["tail_sampling"]
    policies = {policy["type"]: policy for policy in processor["policies"]}
    assert policies["latency"]["latency"]["threshold_ms"] == names.SLOW_TRACE_SECONDS * 1000
    assert policies["status_code"]["status_code"]["status_codes"] == ["ERROR"]


def test_the_gateway_has_the_services_names_of_secrets() -> None:
    rules = COLLECTORS["gateway"]["processors"]["redaction"]
    listed = "|".join(redaction.SECRET_NAMES)
    assert f"(?i).*({listed}).*" in rules["blocked_key_patterns"]
    assigned = rf"""(?i)({listed})[\w-]{{0,32}}["' ]*[=:]["' ]*[^\s"',;&]+"""
    assert assigned in rules["blocked_values"]
