"""The calls of the Tiltfile to Tilt. Tilt is a stand-in here: see recorder.py."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.platform.chart import render
from tests.platform.charts import facts, vendor
from tests.platform.tilt.evaluation import STAND_INS, evaluate
from tests.platform.tilt.recorder import Recorded, TiltfileError

ROOT = render.ROOT
REGISTRY = YAML(typ="safe").load((ROOT / "platform/adopt.yaml").read_text())["registry"]
OBSERVABILITY = {
    "prometheus-operator", "prometheus-kube-state-metrics", "prometheus-prometheus-node-exporter",
    "prometheus-admission-create", "prometheus-admission-patch", "prometheus-kinds",
    "prometheus-served", "prometheus-objects", "prometheus-page", "jaeger", "jaeger-objects",
    "jaeger-page", "loki", "loki-objects", "otel-agent-agent", "otel-gateway",
    "otel-collector-objects", "grafana", "grafana-objects", "grafana-page", "pipeline-objects",
}  # fmt: skip
GITOPS = {
    "argocd-server", "argocd-repo-server", "argocd-redis", "argocd-redis-secret-init",
    "argocd-applicationset-controller", "argocd-application-controller", "argocd-kinds",
    "argocd-served", "argocd-page",
}  # fmt: skip
SERVICES = {"ports", "ports-objects"}
RESOURCES = {
    "service": {"services": {"ports"}},
    "observability": {"services": SERVICES, "observability": OBSERVABILITY},
    "full": {"services": SERVICES, "observability": OBSERVABILITY, "gitops": GITOPS},
}
PARTS = pytest.mark.parametrize("parts", RESOURCES)


def objects(recorded: Recorded) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for call in recorded.of("k8s_yaml"):
        (given,) = call.arguments
        found += render.objects(given) if isinstance(given, str) else [given]
    return found


def test_without_parts_it_is_the_services_alone() -> None:
    assert evaluate().calls == evaluate("service").calls


@PARTS
def test_parts_have_their_resources_in_their_groups(parts: str) -> None:
    groups: dict[str, set[str]] = {}
    for name, options in evaluate(parts).resources().items():
        for label in options["labels"]:
            groups.setdefault(label, set()).add(name)
    print(f"{parts}: {groups}")
    assert groups == RESOURCES[parts]


@PARTS
def test_every_dependency_of_a_resource_is_a_resource(parts: str) -> None:
    """Tilt ignores a dependency of another name."""
    resources = evaluate(parts).resources()
    waiting = {name: options.get("resource_deps") or [] for name, options in resources.items()}
    assert {dep for deps in waiting.values() for dep in deps} <= resources.keys()
    if parts != "service":
        assert waiting["ports"] == ["otel-agent-agent"]
        assert waiting["otel-collector-objects"] == ["prometheus-served"]


@pytest.mark.parametrize(
    ("release", "parts"), [("prometheus", "observability"), ("argocd", "full")]
)
def test_programs_start_once_the_kinds_of_their_release_are_served(
    release: str, parts: str
) -> None:
    """The Prometheus operator never serves a kind that is missing at its start."""
    resources = evaluate(parts).resources()
    programs = [
        name
        for name, options in resources.items()
        if name.startswith(f"{release}-")
        and not name.endswith(("-kinds", "-served", "-objects", "-page"))
    ]
    assert len(programs) >= 5
    assert all(resources[name]["resource_deps"] == [f"{release}-served"] for name in programs)


@PARTS
def test_kinds_and_objects_of_these_kinds_are_never_in_one_resource(parts: str) -> None:
    """Tilt maps every kind of a resource before it applies any object; `uncategorized` is one."""
    recorded = evaluate(parts)
    deployed = objects(recorded)
    crds = {e["metadata"]["name"]: e for e in deployed if e["kind"] == "CustomResourceDefinition"}
    kinds = {each["spec"]["names"]["kind"] for each in crds.values()}
    selected = {name: o["objects"] for name, o in recorded.resources().items() if "objects" in o}
    left = {
        (each["kind"], each["metadata"]["name"])
        for each in deployed
        if each["kind"] in kinds
        and f"{each['metadata']['name']}:{each['kind']}:{each['metadata'].get('namespace')}"
        not in {selector for found in selected.values() for selector in found}
    }
    assert left == set()
    for name, found in selected.items():
        brought = {
            crds[s.split(":")[0]]["spec"]["names"]["kind"] for s in found if s.count(":") == 1
        }
        assert not brought & {s.split(":")[1] for s in found if s.count(":") == 2}, name


def test_taking_down_needs_no_choice_of_parts_and_fetches_nothing() -> None:
    recorded = evaluate(subcommand="down")
    there = {chart for chart in STAND_INS if vendor.missing(ROOT / chart) == []}
    rendered = {call.arguments[0] for call in recorded.of("helm")}
    assert rendered == {"platform/chart", *there}
    assert [c.arguments[0] for c in recorded.of("local")] == ["ls -d services/*/values.yaml"]


def test_pages_are_forwarded_and_linked() -> None:
    resources = evaluate("full").resources()
    links = {
        name: [each["link"][0] for each in options.get("links", [])]
        for name, options in resources.items()
        if options.get("links")
    }
    assert links == {
        "ports": ["http://localhost:8080/docs"],
        "prometheus-page": ["http://localhost:9090/"],
        "jaeger-page": ["http://localhost:16686/"],
        "grafana-page": ["http://localhost:3000/dashboards"],
        "argocd-page": ["https://localhost:8443/"],
    }
    forwards = {
        (*each["port_forward"], each["name"], each.get("link_path"))
        for each in resources["ports"]["port_forwards"]
    }
    assert forwards == {(8080, 8080, "service", None), (18080, 9090, "metrics", "/metrics")}
    pages = {n: o["serve_cmd"] for n, o in resources.items() if n.endswith("-page")}
    assert "-n observability port-forward service/grafana 3000:80;" in pages["grafana-page"]
    assert "-n argocd port-forward service/argocd-server 8443:443;" in pages["argocd-page"]
    assert all("readiness_probe" in resources[name] for name in pages)  # `tilt ci` waits for them


def test_pages_forward_to_services_and_ports_that_the_charts_make() -> None:
    services = {
        name: ports
        for chart in facts.read()["charts"].values()
        for name, ports in chart["services"].items()
    }
    commands = [o.get("serve_cmd", "") for o in evaluate("full").resources().values()]
    forwarded = re.findall(r"port-forward service/(\S+) \d+:(\d+)", "\n".join(commands))
    assert len(forwarded) == 4
    assert [(name, port) for name, port in forwarded if int(port) not in services[name]] == []


def test_a_service_is_built_and_updated_live() -> None:
    (build,) = evaluate().of("docker_build")
    assert build.arguments == [f"{REGISTRY}/ports", "."]
    assert build.options["target"] == "dev"
    assert build.options["only"] == ["packages", "requirements", "services/ports"]
    steps = build.options["live_update"]
    assert [next(iter(step)) for step in steps] == ["fall_back_on", "sync", "sync"]
    assert [step["sync"] for step in steps[1:]] == [
        ["packages", "/app/packages"],
        ["services/ports", "/app/services/ports"],
    ]
    # They are where the image has them, and what a new image brings is really there.
    dockerfile = (ROOT / build.options["dockerfile"]).read_text()
    assert "WORKDIR /app\n" in dockerfile
    assert "COPY services/ports services/ports\n" in dockerfile
    for path in steps[0]["fall_back_on"][0]:
        assert (ROOT / path).exists()


def test_it_is_the_real_chart_with_the_live_image_and_the_local_values() -> None:
    recorded = evaluate("observability")
    deployment = next(
        each
        for each in objects(recorded)
        if each["kind"] == "Deployment" and each["metadata"]["name"] == "ports"
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (build,) = recorded.of("docker_build")
    assert container["image"] == f"{build.arguments[0]}:tilt"
    assert container["securityContext"]["readOnlyRootFilesystem"] is False
    (call,) = (c for c in recorded.of("helm") if c.arguments == ["platform/chart"])
    assert call.options["values"] == [
        "platform/adopt.yaml",
        "services/ports/values.yaml",
        "platform/chart/values-local.yaml",
    ]


def test_without_the_observability_charts_nothing_of_theirs_is_asked_for() -> None:
    kinds = {each["kind"] for each in objects(evaluate("service"))}
    assert "ServiceMonitor" not in kinds
    assert "ServiceMonitor" in {each["kind"] for each in objects(evaluate("observability"))}


def test_every_namespace_that_is_used_is_made() -> None:
    recorded = evaluate("full")
    made = {each["metadata"]["name"] for each in objects(recorded) if each["kind"] == "Namespace"}
    assert made == {call.options["namespace"] for call in recorded.of("helm")}


def test_rules_and_dashboards_come_with_the_observability_charts() -> None:
    """Rules lie in the namespace of what they judge; dashboards, once, beside Grafana."""
    found = objects(evaluate("observability"))
    charts = facts.read()["charts"]["prometheus"]["objects"]["PrometheusRule"]
    rules = {
        e["metadata"]["namespace"]
        for e in found
        if e["kind"] == "PrometheusRule" and e["metadata"]["name"] not in charts
    }
    dashboards = {
        (e["metadata"]["name"], e["metadata"]["namespace"])
        for e in found
        if e["metadata"].get("labels", {}).get("grafana_dashboard")
    }
    assert rules == {"ports-local", "observability"}
    assert ("dashboard-slo-overview", "observability") in dashboards
    assert ("dashboard-ports-availability", "observability") in dashboards
    assert "PrometheusRule" not in {each["kind"] for each in objects(evaluate("service"))}


def test_buttons_start_load_faults_and_tests() -> None:
    recorded = evaluate()
    buttons = {c.options["name"]: c.options for c in recorded.of("_ui_button")}
    commands = {
        c.options["start_on"]["ui_buttons"][0]: c.options["args"] for c in recorded.of("_cmd")
    }
    assert buttons.keys() == commands.keys()
    assert {b["location"]["component_id"] for b in buttons.values()} == {"ports"}
    fault = ["make", "fault", "SERVICE=ports"]
    assert commands == {
        "ports-load": ["make", "load", "LOAD_URL=http://localhost:8080", "LOAD_SECONDS=60"],
        "ports-errors": [*fault, "FAULT=errors", "SHARE=0.2"],
        "ports-latency": [*fault, "FAULT=latency"],
        "ports-faults-off": [*fault, "FAULT=off"],
        "ports-test": ["make", "test"],
    }
    makefile = (ROOT / "Makefile").read_text()
    for command in commands.values():
        assert f"\n{command[1]}: " in makefile


def test_nothing_is_downloaded_but_the_charts_that_are_missing() -> None:
    source = (ROOT / "Tiltfile").read_text()
    assert "ext://" not in source
    assert "load(" not in source.replace("_load(", "")
    downloads = [
        c.arguments[0] for c in evaluate("full").of("local") if isinstance(c.arguments[0], list)
    ]
    missing = {chart for chart in STAND_INS if vendor.missing(ROOT / chart)}
    assert {command[-1] for command in downloads} == missing
    assert [c.arguments[0] for c in evaluate("service").of("local")] == [
        "ls -d services/*/values.yaml"
    ]


def test_no_context_is_allowed_beyond_the_local_ones_that_tilt_knows() -> None:
    """Asking for one would be an unknown built-in to the recorder, too."""
    assert "allow_k8s_contexts" not in (ROOT / "Tiltfile").read_text()


def test_unknown_parts_are_refused_with_those_there_are() -> None:
    with pytest.raises(
        TiltfileError, match="--parts=huge: choose one of service, observability, full"
    ):
        evaluate("huge")


def test_a_name_that_tilt_does_not_have_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "Tiltfile").write_text("k8s_jaml('a')\n")
    with pytest.raises(TiltfileError, match="k8s_jaml"):
        evaluate(root=tmp_path)


def test_a_second_service_appears_without_an_edit(tmp_path: Path) -> None:
    for name in ("Tiltfile", "platform/adopt.yaml", "services/ports/values.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "platform/chart", tmp_path / "platform/chart")
    (tmp_path / "services/quays").mkdir()
    (tmp_path / "services/quays/values.yaml").write_text("name: quays\nports: {http: 8088}\n")

    recorded = evaluate(root=tmp_path)
    assert set(recorded.resources()) == {"ports", "quays"}
    first, second = recorded.of("docker_build")
    assert second.arguments[0] == f"{REGISTRY}/quays"
    assert second.options["only"][-1] == "services/quays"
    forwards = recorded.resources()["quays"]["port_forwards"]
    assert [each["port_forward"] for each in forwards] == [[8081, 8088], [18081, 9090]]
    assert len(recorded.of("_ui_button")) == 10
    assert first.arguments[0] == f"{REGISTRY}/ports"
