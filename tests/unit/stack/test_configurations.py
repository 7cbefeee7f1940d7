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
COLLECTORS = {
    "agent": values.chart("otel-collector")["agent"]["alternateConfig"],
    "gateway": values.chart("otel-collector")["gateway"]["alternateConfig"],
    "gateway with tail sampling": values.chart("otel-collector", TAIL_SAMPLING)["gateway"][
        "alternateConfig"
    ],
    "jaeger": values.jaeger(),
}
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
    assert having == ["agent"]
    presets = values.chart("otel-collector")["agent"]["presets"]
    assert presets["kubernetesAttributes"]["enabled"]


@pytest.mark.parametrize("name", ["agent", "gateway", "gateway with tail sampling"])
def test_the_memory_limiter_comes_first_and_redaction_comes_before_sampling(name: str) -> None:
    for pipeline in COLLECTORS[name]["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        if "tail_sampling" in pipeline["processors"]:
            assert pipeline["processors"][-2:] == ["redaction", "tail_sampling"]


@pytest.mark.parametrize("name", ["agent", "gateway"])
def test_every_exporter_keeps_a_bounded_queue_on_disk_and_never_gives_up(name: str) -> None:
    config = COLLECTORS[name]
    for exporter in config["exporters"].values():
        queue = exporter["sending_queue"]
        assert queue["storage"] == "file_storage"
        assert (queue["sizer"], queue["queue_size"]) == ("bytes", 50_000_000)
        assert exporter["retry_on_failure"]["max_elapsed_time"] == 0
    assert "file_storage" in config["service"]["extensions"]


def test_tail_sampling_adds_one_processor_and_changes_nothing_else() -> None:
    plain, sampled = COLLECTORS["gateway"], COLLECTORS["gateway with tail sampling"]
    expected = json.loads(json.dumps(plain))
    expected["processors"]["tail_sampling"] = sampled["processors"]["tail_sampling"]
    expected["service"]["pipelines"]["traces"]["processors"].append("tail_sampling")
    assert sampled == expected


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
