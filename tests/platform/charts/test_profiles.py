"""Promises of each profile: who evaluates a rule, who asks whom, and what outlives a node."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stack import values

from tests.platform.chart import render
from tests.platform.charts import addresses, releases, sums, workloads
from tests.platform.charts.releases import OBSERVABILITY, SINGLE, Object, labels_match
from tests.platform.charts.workloads import Pod

SCALED = "scaled"
OBJSTORE = {"name": "thanos-objstore", "key": "objstore.yml"}
# Headless Services of the operator, with the names of their ports.
OPERATED = {"thanos-ruler-operated": {"grpc"}, "alertmanager-operated": {"http-web"}}
QUERY = {
    "local": "http://prometheus-prometheus:9090",
    SINGLE: "http://prometheus-prometheus:9090",
    SCALED: "http://thanos-query:9090",
}
HOSTNAME, ZONE = "kubernetes.io/hostname", "topology.kubernetes.io/zone"


def one(profile: str, kind: str, name: str) -> Object:
    return releases.one(releases.everything(profile), kind, name)


def arguments(kind: str, name: str) -> list[str]:
    """Arguments of the only container of a workload of the profile `scaled`."""
    (container,) = one(SCALED, kind, name)["spec"]["template"]["spec"]["containers"]
    given: list[str] = container["args"]
    return given


def test_the_page_of_requests_is_true() -> None:
    """A difference that is meant: `make charts-facts`, and read it in the diff."""
    assert sums.PAGE.read_text() == sums.page()


def test_sums_add_up_each_replica_and_its_volumes() -> None:
    resources = {"requests": {"cpu": "1500m", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    first = {"name": "first", "resources": resources}
    spec = {"initContainers": [first], "containers": []}
    containers = [first, {"name": "second", "resources": resources}]
    pod = Pod("StatefulSet x", "x", {}, spec, containers, replicas=3, claims=("10Gi",))
    found = sums.of([pod, Pod("DaemonSet y", "x", {}, spec, containers, replicas=None)])
    assert str(found) == "4 | 6 | 4,096 | 8,192 | 30"


def several() -> Iterator[Pod]:
    for pod in workloads.pods(releases.everything(SCALED)):
        if pod.replicas is not None and pod.replicas > 1:
            yield pod


SEVERAL = pytest.mark.parametrize("owner", [pod.owner for pod in several()])


def the(owner: str) -> Pod:
    (found,) = (pod for pod in several() if pod.owner == owner)
    return found


@SEVERAL
def test_a_drained_node_takes_one_replica_at_most(owner: str) -> None:
    pod = the(owner)
    (budget,) = (
        each["spec"]
        for each in releases.everything(SCALED)
        if each["kind"] == "PodDisruptionBudget"
        and each["metadata"]["namespace"] == pod.namespace
        and labels_match(each["spec"]["selector"], pod.labels)
    )
    assert pod.replicas
    left = budget.get("minAvailable", pod.replicas - budget.get("maxUnavailable", 0))
    assert 0 < left < pod.replicas, "nobody is left, or a drain waits for ever"


@SEVERAL
def test_replicas_spread_over_nodes_and_zones(owner: str) -> None:
    pod = the(owner)
    spread = {
        each["topologyKey"]
        for each in pod.spec.get("topologySpreadConstraints", ())
        if labels_match(each["labelSelector"], pod.labels)
    }
    apart = (pod.spec.get("affinity") or {}).get("podAntiAffinity", {})
    required = apart.get("requiredDuringSchedulingIgnoredDuringExecution", ())
    assert spread | {each["topologyKey"] for each in required} >= {HOSTNAME, ZONE}


def test_several_replicas_are_more_than_without_the_profile() -> None:
    owners = {pod.owner for pod in several()}
    print(sorted(owners))
    assert owners >= {
        "Prometheus prometheus-prometheus", "Alertmanager prometheus-alertmanager",
        "ThanosRuler prometheus-thanos-ruler", "Deployment thanos-query",
        "StatefulSet thanos-store-gateway", "Deployment grafana",
    }  # fmt: skip


def test_each_rule_has_one_evaluator() -> None:
    """The two select namespaces by one list, and one of the two negates it."""
    server = one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    for name in (OBSERVABILITY, "ports-prod", "kube-system"):
        labels = {"kubernetes.io/metadata.name": name}
        picked = [
            labels_match(each["ruleNamespaceSelector"], labels) and each["ruleSelector"] == {}
            for each in (server, ruler)
        ]
        assert picked == [name == OBSERVABILITY, name != OBSERVABILITY]
    plain = one(SINGLE, "Prometheus", "prometheus-prometheus")["spec"]
    assert plain["ruleSelector"] == {}
    assert plain.get("ruleNamespaceSelector", {}) == {}


def test_the_ruler_keeps_tenants_apart_as_prometheus_does() -> None:
    server = one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    assert ruler["enforcedNamespaceLabel"] == server["enforcedNamespaceLabel"] == "namespace"
    exempt = {each["namespace"] for each in server["excludedFromEnforcement"]}
    assert exempt == {OBSERVABILITY}
    assert "excludedFromEnforcement" not in ruler, "it evaluates no rule of the exempt namespace"


def test_one_value_names_the_cluster() -> None:
    found = render.helm(
        *("template", "apps", "platform/argocd/apps", f"--values={releases.ADOPTION}"),
        *("--set=profile=scaled", "--set=cluster=north"),
    )
    (app,) = (e for e in render.objects(found) if e["metadata"]["name"] == "prometheus")
    given = app["spec"]["sources"][0]["helm"]["valuesObject"]["kube-prometheus-stack"]
    assert given["prometheus"]["prometheusSpec"]["externalLabels"] == {"cluster": "north"}
    assert given["thanosRuler"]["thanosRulerSpec"]["labels"] == {"cluster": "north"}
    server = one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    assert server["externalLabels"] == ruler["labels"] == {"cluster": "main"}


@pytest.mark.parametrize("profile", releases.PROFILES)
def test_whoever_reads_series_asks_one_address(profile: str) -> None:
    def told(owner: str, variable: str) -> str:
        for pod in workloads.pods(releases.everything(profile)):
            if pod.owner == owner:
                env = [e for c in pod.containers for e in c.get("env", ())]
                (found,) = {e["value"] for e in env if e["name"] == variable}
                return str(found)
        raise AssertionError(owner)

    assert told("Deployment grafana", "PROMETHEUS_URL") == QUERY[profile]
    analyses = told("Deployment argo-rollouts", "ARGO_ROLLOUTS_PROMETHEUS_ADDRESS")
    assert analyses == QUERY[profile]


def test_the_ruler_asks_query_and_tells_every_alertmanager() -> None:
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    assert [f"http://{each}" for each in ruler["queryEndpoints"]] == [QUERY[SCALED]]
    secret = one(SCALED, "Secret", ruler["alertmanagersConfig"]["name"])
    assert secret["data"], "the list of Alertmanagers, which is no secret"
    overlay = values.read(values.PLATFORM / "profiles/scaled/prometheus.yaml")
    spec = overlay["kube-prometheus-stack"]["thanosRuler"]["thanosRulerSpec"]
    (one_of,) = spec["alertmanagersConfig"]["secret"]["alertmanagers"]
    (target,) = one_of["static_configs"]
    assert by_port(target) == ("alertmanager-operated", "http-web")


def by_port(endpoint: str) -> tuple[str, str]:
    """Service and port of an address that DNS resolves to each of a Service's pods."""
    found = re.fullmatch(r"dnssrv\+_([\w-]+)\._tcp\.([\w-]+)(\.observability\.svc)?", endpoint)
    assert found, endpoint
    return found[2], found[1]


def test_query_reads_every_source_once_and_none_halfway() -> None:
    args = arguments("Deployment", "thanos-query")
    labels = {a.partition("=")[2] for a in args if a.startswith("--query.replica-label=")}
    assert labels == {"prometheus_replica", "thanos_ruler_replica"}, "the operator's"
    assert "--no-query.partial-response" in args
    services = {
        each["metadata"]["name"]: {port["name"] for port in each["spec"]["ports"]}
        for each in releases.everything(SCALED)
        if each["kind"] == "Service"
    } | OPERATED
    found = [by_port(a.partition("=")[2]) for a in args if a.startswith("--endpoint=")]
    assert {name for name, _ in found} == {"prometheus-thanos-discovery", "thanos-ruler-operated"}
    assert all(port in services[name] for name, port in found)
    (static,) = (a for a in args if a.startswith("--endpoint.sd-config="))
    ((_, host, number),) = addresses.inside(static)
    known = addresses.ports(releases.everything(SCALED))
    assert addresses.resolves(host, number, known)
    assert "strict: true" in static


def test_raw_samples_outlive_the_longest_period_of_an_slo() -> None:
    args = dict(a.split("=", 1) for a in arguments("StatefulSet", "thanos-compact") if "=" in a)
    quarter = 92
    assert int(args["--retention.resolution-raw"].removesuffix("d")) > quarter
    assert not any("deduplication" in name for name in args), "merged replicas stay merged"


def test_everyone_finds_the_bucket_in_one_secret_that_no_chart_renders() -> None:
    server = one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    assert server["thanos"]["objectStorageConfig"] == OBJSTORE
    assert ruler["objectStorageConfig"] == OBJSTORE
    for name in ("thanos-compact", "thanos-store-gateway"):
        pod = one(SCALED, "StatefulSet", name)["spec"]["template"]["spec"]
        secrets = [v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v]
        assert secrets == [OBJSTORE["name"]]
        paths = [m.get("subPath") for c in pod["containers"] for m in c["volumeMounts"]]
        assert OBJSTORE["key"] in paths
    made = {e["metadata"]["name"] for e in releases.everything(SCALED) if e["kind"] == "Secret"}
    assert OBJSTORE["name"] not in made


def test_every_part_of_thanos_has_the_version_of_the_chart() -> None:
    image = f"quay.io/thanos/thanos:{values.chart('thanos')['thanos']['image']['tag']}"
    parts = [
        container["image"]
        for name in ("Deployment thanos-query", "StatefulSet thanos-compact")
        for container in one(SCALED, *name.split())["spec"]["template"]["spec"]["containers"]
    ]
    operator = one(SCALED, "Deployment", "prometheus-operator")["spec"]["template"]["spec"]
    args = dict(a.split("=", 1) for a in operator["containers"][0]["args"] if "=" in a)
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]["image"]
    assert {*parts, args["--thanos-default-base-image"], ruler} == {image}
    assert "image" not in one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]["thanos"]


def test_grafana_keeps_nothing_on_a_disk_and_its_database_in_a_secret() -> None:
    spec: dict[str, Any] = one(SCALED, "Deployment", "grafana")["spec"]["template"]["spec"]
    assert not [v for v in spec["volumes"] if "persistentVolumeClaim" in v]
    (container,) = (each for each in spec["containers"] if each["name"] == "grafana")
    (url,) = (each for each in container["env"] if each["name"] == "GF_DATABASE_URL")
    assert url["valueFrom"]["secretKeyRef"] == {"name": "grafana-database", "key": "url"}


def test_alertmanagers_are_three_and_two_of_prometheus() -> None:
    assert one(SCALED, "Alertmanager", "prometheus-alertmanager")["spec"]["replicas"] == 3
    assert one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]["replicas"] == 2


def test_claims_that_the_api_server_completes_are_no_difference_to_argo_cd() -> None:
    """Argo CD compares the list of templates as a whole: OutOfSync for ever."""
    incomplete = {
        owner
        for owner, template in workloads.claim_templates(releases.everything(SCALED))
        if (template.get("apiVersion"), template.get("kind")) != ("v1", "PersistentVolumeClaim")
    }
    apps = values.read(values.PLATFORM / "argocd/apps/values.yaml")["platform"]
    (ignored,) = apps["thanos"]["ignoreDifferences"]
    assert ignored["kind"] == "StatefulSet"
    template = ".spec.volumeClaimTemplates[]"
    assert ignored["jqPathExpressions"] == [f"{template}.apiVersion", f"{template}.kind"]
    assert incomplete == {"StatefulSet thanos-compact", "StatefulSet thanos-store-gateway"}


def test_the_ruler_continues_the_series_that_prometheus_recorded() -> None:
    """Without the replicas' labels, both have the label `cluster` alone."""
    server = one(SCALED, "Prometheus", "prometheus-prometheus")["spec"]
    ruler = one(SCALED, "ThanosRuler", "prometheus-thanos-ruler")["spec"]
    assert server["prometheusExternalLabelName"] == "", "no label of the operator's"
    assert server["externalLabels"] == ruler["labels"]
    assert "replicaExternalLabelName" not in server


def overlay(cluster: str, folder: Path) -> Path:
    """Write the overlay that the documentation shows for a cluster."""
    page = (values.ROOT / "docs/how-to/choose-a-profile.md").read_text()
    (text,) = re.findall(
        rf"^```yaml\n(# platform/clusters/{cluster}\.yaml\n.*?)^```$",
        page,
        re.MULTILINE | re.DOTALL,
    )
    file = folder / f"{cluster}.yaml"
    file.write_text(text)
    return file


def of_cluster(cluster: str, folder: Path) -> list[Object]:
    file = overlay(cluster, folder)
    found = releases.applications(SCALED, f"--values={file}")
    return [each for release in found for each in releases.objects(release)]


def test_a_second_cluster_has_no_compactor_and_the_alertmanagers_of_the_first(
    tmp_path: Path,
) -> None:
    found = of_cluster("north", tmp_path)
    names = {(each["kind"], each["metadata"]["name"]) for each in found}
    assert ("StatefulSet", "thanos-store-gateway") in names
    assert not names & {("StatefulSet", "thanos-compact"), ("Deployment", "grafana")}
    assert "Alertmanager" not in {kind for kind, _ in names}
    (server,) = (each["spec"] for each in found if each["kind"] == "Prometheus")
    (ruler,) = (each["spec"] for each in found if each["kind"] == "ThanosRuler")
    assert server["externalLabels"] == ruler["labels"] == {"cluster": "north"}
    told = [server["additionalAlertManagerConfigs"], ruler["alertmanagersConfig"]]
    for each in told:
        (secret,) = (
            s["data"]
            for s in found
            if (s["kind"], s["metadata"]["name"]) == ("Secret", each["name"])
        )
        text = base64.b64decode(secret[each["key"]]).decode()
        assert [f"alertmanager-{n}.example.com" in text for n in range(3)] == [True] * 3
        assert "alertmanager-operated" not in text


def test_the_first_cluster_reads_the_query_of_the_second(tmp_path: Path) -> None:
    found = of_cluster("main", tmp_path)
    (query,) = (
        e for e in found if (e["kind"], e["metadata"]["name"]) == ("Deployment", "thanos-query")
    )
    (container,) = query["spec"]["template"]["spec"]["containers"]
    own = {a for a in arguments("Deployment", "thanos-query") if a.startswith("--endpoint=")}
    now = {
        a.replace(".observability.svc", "")
        for a in container["args"]
        if a.startswith("--endpoint=")
    }
    assert now == {a.replace(".observability.svc", "") for a in own} | {
        "--endpoint=thanos.north.example.com:10901"
    }


@pytest.mark.parametrize("cluster", ["main", "north"])
def test_a_service_takes_the_overlay_of_a_cluster(cluster: str, tmp_path: Path) -> None:
    file = overlay(cluster, tmp_path)
    assert render.service("ports", "--values", str(file)) == render.service("ports")
