"""Manifests that the service chart renders, and values that it refuses."""

import inspect
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from service.gunicorn import settings

from tests.platform.chart import render, schemas
from tests.platform.chart.judges import kubeconform, tool
from tests.platform.chart.render import CASES, DIGEST, ROOT, RefusedError

every_case = pytest.mark.parametrize("file", CASES, ids=[file.stem for file in CASES])


@pytest.fixture(scope="session")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> str:
    return schemas.write(tmp_path_factory.mktemp("schemas"))


@every_case
def test_a_case_renders_what_is_expected(file: Path) -> None:
    """A difference that is meant: `make chart-golden`, and read it in the diff."""
    assert render.case(file) == (render.GOLDEN / file.name).read_text()


def container(manifests: str) -> dict[str, Any]:
    """The container of the service's pods."""
    (found,) = render.workload(manifests)["spec"]["template"]["spec"]["containers"]
    return dict(found)


# Time that gunicorn needs beyond its timeout: to notice it, to end the worker, and to boot another
# one.
REPLACED_SECONDS = 15


@every_case
def test_gunicorn_replaces_a_worker_that_hangs_before_the_liveness_probe_restarts_all(
    file: Path,
) -> None:
    probe = container(render.case(file)).get("livenessProbe")
    if probe is None:
        assert file.stem == "live-update"
        return
    # The first failure may come at once, and each may.
    soonest = (probe["failureThreshold"] - 1) * probe["periodSeconds"]
    timeout = inspect.signature(settings).parameters["timeout_seconds"].default
    assert soonest > timeout + REPLACED_SECONDS


CONFIGURATIONS = [
    file
    for folder in (ROOT, ROOT / "platform/backstage/template/skeleton")
    for file in folder.glob("services/*/gunicorn.conf.py")
]


@pytest.mark.parametrize("file", CONFIGURATIONS, ids=str)
def test_no_service_has_a_timeout_of_its_own_for_workers(file: Path) -> None:
    """The chart's probes are the same for all services, and go by the common one."""
    assert not re.search(r"\btimeout", file.read_text())


def test_no_probe_restarts_a_container_with_edited_files() -> None:
    """A syntax error would end in CrashLoopBackOff, and a new container has the image's files."""
    probes = container(render.case(render.HERE / "cases/live-update.yaml"))
    assert {key for key in probes if key.endswith("Probe")} == {"readinessProbe"}


def test_nothing_is_expected_of_a_case_that_is_gone() -> None:
    assert {file.name for file in render.GOLDEN.iterdir()} == {file.name for file in CASES}


@every_case
def test_kubernetes_knows_every_key_of_it(file: Path, pattern: str) -> None:
    manifests = render.case(file)
    found = kubeconform(pattern, manifests)
    assert found.returncode == 0, found.stdout + found.stderr
    count = len(render.objects(manifests))
    assert f"{count} resources found parsing stdin - Valid: {count}, " in found.stdout


@pytest.mark.parametrize("service", render.services())
def test_every_service_of_the_repository_renders_valid_and_restricted(
    service: str, pattern: str
) -> None:
    manifests = render.service(service)
    assert kubeconform(pattern, manifests).returncode == 0
    assert tool("podsecurity", manifests=manifests).returncode == 0


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        ("Deployment", "revisionHistoryLimit: 3", "revisionHistoryLimits: 3"),
        ("Deployment", "containerPort: 8080", 'containerPort: "8080"'),
        ("ServiceMonitor", "jobLabel:", "joblabel:"),
        ("HTTPRoute", "type: PathPrefix", "type: Prefix"),
        ("NetworkPolicy", "policyTypes:", "policytypes:"),
    ],
)
def test_a_mistake_in_a_template_would_be_noticed(
    kind: str, right: str, wrong: str, pattern: str
) -> None:
    manifests = render.case(render.HERE / "cases/everything.yaml")
    assert right in manifests
    found = kubeconform(pattern, manifests.replace(right, wrong))
    assert found.returncode != 0
    assert kind in found.stdout


@every_case
def test_its_pods_pass_the_restricted_profile(file: Path) -> None:
    """Judged by Kubernetes' own code; the test's pods and the migration's as well."""
    manifests = render.case(file)
    found = tool("podsecurity", manifests=manifests)
    assert found.returncode == 0, found.stdout
    pods = [
        each
        for each in render.objects(manifests)
        if each["kind"] in (*render.WORKLOADS, "Job", "Pod")
    ]
    assert len(found.stdout.splitlines()) == len(pods) >= 1


def test_a_pod_that_asks_for_more_would_be_noticed() -> None:
    manifests = render.case(render.HERE / "cases/minimal.yaml")
    found = tool("podsecurity", manifests=manifests.replace("drop: [ALL]", "drop: []"))
    assert found.returncode == 1
    assert "unrestricted capabilities" in found.stdout


@pytest.mark.parametrize(
    ("given", "says"),
    [
        # Unknown keys, at any depth.
        ("bogus=1", "'bogus' not allowed"),
        ("image.tags=v1", "at '/image': additional properties 'tags' not allowed"),
        ("postgresql.password=secret", "at '/postgresql': additional properties 'password'"),
        ("securityContext.privileged=true", "'securityContext' not allowed"),
        ("httpRoute.parentRefs[0].names=a", "'names' not allowed"),
        # Values that would run another image than the promoted one.
        ("image.tag=latest", "/image/tag"),
        ("image.digest=sha256:123", "/image/digest"),
        ("image.digest=,image.tag=v1", "image.tag: only in the environment local"),
        ("image.tag=v1", "image.digest, image.tag: give one of them"),
        ("image.digest=", "image.digest: missing"),
        # Secrets in the open.
        ("env.HARBOUR_WRITE_TOKEN=abc", "'HARBOUR_WRITE_TOKEN'"),
        ("env.DATABASE=postgresql://me:secret@host/db", "/env/DATABASE"),
        ("env.HARBOUR_STORE_URL=memory://", "env.HARBOUR_STORE_URL: the chart sets it"),
        ("env.HARBOUR_CACHE_URL=redis://a", "env.HARBOUR_CACHE_URL: the chart sets it"),
        # Values that the chart decides.
        (
            "tryItOut.enabled=true,env.HARBOUR_ALLOWED_ORIGINS=https://a.b",
            "env.HARBOUR_ALLOWED_ORIGINS: tryItOut.enabled sets it",
        ),
        ("env.METRICS_PORT=9", "env.METRICS_PORT: the chart sets it"),
        ("env.lower=case", "'lower'"),
        # Half a block.
        ("postgresql.enabled=true", "/postgresql/existingSecret"),
        ("cache.enabled=true", "/cache/existingSecret"),
        (
            "cache.enabled=true,cache.existingSecret=a,cache.peers[0].ipBlock.cidr=10.0.0.0/8",
            "cache.enabled: needs postgresql.enabled",
        ),
        (
            (
                "postgresql.enabled=true,postgresql.existingSecret=a,postgresql.replicaKey=b,"
                "postgresql.peers[0].ipBlock.cidr=10.0.0.0/8,cache.enabled=true,"
                "cache.existingSecret=a,cache.peers[0].ipBlock.cidr=10.0.0.0/8"
            ),
            "cache.enabled, postgresql.replicaKey: give one of them",
        ),
        ("httpRoute.enabled=true", "/httpRoute/hostnames"),
        ("httpRoute.paths={/metrics}", "/httpRoute/paths/0"),
        (
            "autoscaling.enabled=true,autoscaling.maxReplicas=1",
            "autoscaling.maxReplicas: 1 is below",
        ),
        # Doors that stand open.
        (
            "networkPolicy.callers[0].ipBlock.cidr=0.0.0.0/0",
            "/networkPolicy/callers/0/ipBlock/cidr",
        ),
        ("networkPolicy.egress[0].ports[0].port=443", "missing property 'to'"),
        ("liveUpdate.enabled=true", "liveUpdate.enabled: only in the environment local"),
        # Values that cannot work.
        ("prober.enabled=true", "prober.probes: empty; name the routes"),
        ("prober.probes.harbours=/harbours", "invalid propertyName 'harbours'"),
        ("prober.timeoutSeconds=6", "prober.timeoutSeconds: 6 is above intervalSeconds, 5"),
        ("prober.image.tag=latest", "/prober/image/tag"),
        ("ports.http=80", "/ports/http"),
        ("host=127.0.0.1", "/host"),
        ("ports.metrics=8080", "ports.metrics: is ports.http"),
        ("resources.limits=null", "'limits'"),
        ("name=Harbour", "/name"),
        ("registry=", "/registry"),
        ("environment=", "/environment"),
        ("replicas=two", "/replicas"),
        ("image.pullSecrets={a..b}", "/image/pullSecrets/0"),
        ("networkPolicy.callers[0].ipBlock.cidr=no", "/networkPolicy/callers/0/ipBlock/cidr"),
        ("secretEnv.A.secret=a,secretEnv.A.key=..", "/secretEnv/A/key"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key(given: str, says: str) -> None:
    flag = "--set-string" if given.startswith("env.") else "--set"
    with pytest.raises(RefusedError, match=re.escape(says)):
        render.template("--values", str(render.BASE), flag, given)


def test_a_release_is_called_as_its_service() -> None:
    with pytest.raises(RefusedError, match='"harbour" is released as "other"'):
        render.template("--values", str(render.BASE), release="other")


def test_helm_lints_it_strictly() -> None:
    given = ("--values", str(render.BASE), "--strict", "--kube-version", render.KUBERNETES)
    output = render.helm("lint", str(render.CHART), *given)
    assert "1 chart(s) linted, 0 chart(s) failed" in output
    assert "[WARNING]" not in output


def test_the_notes_tell_how_to_test_explore_and_debug_it(tmp_path: Path) -> None:
    # Helm prints them for a cluster alone; here they are rendered as a ConfigMap's data.
    chart = shutil.copytree(ROOT / render.CHART, tmp_path / "chart")
    text = (chart / "templates/NOTES.txt").read_text()
    (chart / "templates/notes.yaml").write_text(
        f'{{{{ define "notes" }}}}{text}{{{{ end }}}}\n'
        "kind: ConfigMap\nmetadata: {name: notes}\ndata:\n"
        '  notes: {{ include "notes" . | toJson }}\n'
    )
    given = ("--values", str(render.BASE), "--kube-version", render.KUBERNETES)
    manifests = render.helm("template", "harbour", str(chart), *given)
    notes = render.one(manifests, "ConfigMap")["data"]["notes"]
    for command in (
        "helm -n default test harbour",
        "port-forward service/harbour 8080 9090",
        "debug -it $pod --image=",
    ):
        assert command in notes
    assert "https://grafana.acme.test/dashboards?tag=harbour" in notes


def test_the_grace_period_covers_draining_and_the_last_requests() -> None:
    pod = render.one(render.case(render.HERE / "cases/everything.yaml"), "Deployment")
    spec = pod["spec"]["template"]["spec"]
    env = {each["name"]: each.get("value") for each in spec["containers"][0]["env"]}
    drain, graceful = (int(env[f"HARBOUR_{n}_SECONDS"]) for n in ("DRAIN", "GRACEFUL"))
    assert spec["terminationGracePeriodSeconds"] == drain + graceful + 5 == 55
    assert "lifecycle" not in spec["containers"][0]


def test_the_number_of_replicas_is_rendered_whoever_owns_it() -> None:
    """Kubernetes sets a number that its only owner leaves out to 1."""
    for name in ("everything", "minimal"):
        deployment = render.one(render.case(render.HERE / f"cases/{name}.yaml"), "Deployment")
        assert deployment["spec"]["replicas"] == 2


def test_the_services_own_settings_are_what_the_chart_sets() -> None:
    """A setting that the service does not know would be a typing error of the chart's."""
    database = {"enabled": True, "existingSecret": "database", "peers": [{"podSelector": {}}]}
    more = (
        *("--set", "faults.enabled=true", "--set-json", f"postgresql={json.dumps(database)}"),
        *("--set-json", f"cache={json.dumps(database)}"),
    )
    deployment = render.one(render.service("ports", *more), "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    names = {each["name"] for each in container["env"]}
    table = (ROOT / "services/ports/CONFIGURATION.md").read_text()
    known = set(re.findall(r"^\| `([A-Z_]+)`", table, re.MULTILINE))
    assert {n for n in names if not n.startswith(("OTEL_", "POD_"))} <= known
    assert {
        "PORTS_STORE_URL",
        "PORTS_CACHE_URL",
        "PORTS_FAULTS_FILE",
        "PORTS_DRAIN_SECONDS",
        "METRICS_PORT",
    } <= names


@pytest.mark.parametrize(
    ("autoscaler", "pods"), [(False, "6"), (True, "10")], ids=["replicas", "autoscaler"]
)
def test_the_migration_counts_each_pod_and_the_one_that_it_replaces(
    autoscaler: bool, pods: str
) -> None:
    database = {"enabled": True, "existingSecret": "database", "peers": [{"podSelector": {}}]}
    scaling = {"enabled": autoscaler, "maxReplicas": 5}
    objects = render.service(
        *("ports", "--set", "replicas=3", "--set-json", f"postgresql={json.dumps(database)}"),
        *("--set-json", f"autoscaling={json.dumps(scaling)}"),
    )
    (job,) = render.one(objects, "Job")["spec"]["template"]["spec"]["containers"]
    assert {"name": "PORTS_PODS", "value": pods} in job["env"]


@every_case
def test_logs_and_traces_of_a_pod_have_the_same_environment_and_version(file: Path) -> None:
    """Logs by the pod's annotations, which the Collector reads; traces by the SDK's variable."""
    template = render.workload(render.case(file))["spec"]["template"]
    (container,) = template["spec"]["containers"]
    env = {each["name"]: each.get("value", "") for each in container["env"]}
    sent = dict(pair.split("=", 1) for pair in env["OTEL_RESOURCE_ATTRIBUTES"].split(","))
    instance = sent.pop("service.instance.id")
    prefix = "resource.opentelemetry.io/"
    annotations = template["metadata"]["annotations"]
    assert sent == {
        key.removeprefix(prefix): value
        for key, value in annotations.items()
        if key.startswith(prefix)
    }
    assert set(sent) == {"deployment.environment.name", "service.version"}
    # As the Collector's k8s_attributes derives it; Kubernetes expands variables that come before.
    assert instance == f"$(POD_NAMESPACE).$(POD_NAME).{container['name']}"
    names = list(env)
    assert names.index("POD_NAME") < names.index("OTEL_RESOURCE_ATTRIBUTES")


def test_an_image_is_named_by_what_was_adopted_and_its_digest() -> None:
    deployment = render.one(render.case(render.HERE / "cases/minimal.yaml"), "Deployment")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == f"registry.acme.test/images/harbour@{DIGEST}"


def policies(manifests: str) -> dict[str, dict[str, Any]]:
    """The spec of each NetworkPolicy by the component that it is for."""
    return {
        each["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/component"]: each["spec"]
        for each in render.objects(manifests)
        if each["kind"] == "NetworkPolicy"
    }


DNS = {
    ("kube-system", 53),
    ("openshift-dns", 5353),  # a policy sees the port of the pods
    ("169.254.20.10/32", 53),  # NodeLocal DNSCache
}


def names_resolved_at(policy: dict[str, Any]) -> set[tuple[str, int]]:
    """Where a policy lets names be resolved by UDP and by TCP."""
    found: dict[str, set[tuple[str, int]]] = {"UDP": set(), "TCP": set()}
    for rule in policy["egress"]:
        for peer in rule["to"]:
            labels = peer.get("namespaceSelector", {}).get("matchLabels", {})
            at = labels.get("kubernetes.io/metadata.name") or peer.get("ipBlock", {}).get("cidr")
            for port in rule["ports"]:
                found[port.get("protocol", "TCP")].add((at, port["port"]))
    return found["UDP"] & found["TCP"]


@pytest.mark.parametrize(
    ("case", "components"),
    [("everything", {"server", "migrate", "test"}), ("prober", {"server", "prober", "test"})],
)
def test_every_pod_has_a_network_policy_and_can_resolve_names(
    case: str, components: set[str]
) -> None:
    manifests = render.case(render.HERE / f"cases/{case}.yaml")
    found = policies(manifests)
    pods = [
        each["metadata"]["labels"]
        if each["kind"] == "Pod"
        else each["spec"]["template"]["metadata"]["labels"]
        for each in render.objects(manifests)
        if each["kind"] in ("Deployment", "Job", "Pod")
    ]
    assert {each["app.kubernetes.io/component"] for each in pods} == set(found)
    assert set(found) == components
    for component, policy in found.items():
        assert policy["policyTypes"] == ["Ingress", "Egress"], component
        assert names_resolved_at(policy) == DNS, component


def test_a_migration_reaches_its_database_and_a_test_the_server_and_no_more() -> None:
    found = policies(render.case(render.HERE / "cases/everything.yaml"))
    database = {"to": [{"ipBlock": {"cidr": "10.1.2.0/24"}}], "ports": [{"port": 5432}]}
    server = {"to": [{"podSelector": found["server"]["podSelector"]}]}
    server["ports"] = [{"port": 8080}, {"port": 9090}]
    for component, to in (("migrate", database), ("test", server)):
        assert [rule for rule in found[component]["egress"] if "UDP" not in str(rule)] == [to]
        assert "ingress" not in found[component]


def test_the_policy_of_the_migration_is_there_before_it() -> None:
    """Hooks run before what the release consists of, in the order of their weights."""
    hooks = {
        each["kind"]: each["metadata"]["annotations"]
        for each in render.objects(render.case(render.HERE / "cases/everything.yaml"))
        if each["metadata"]["name"] == "harbour-migrate"
    }
    assert hooks["NetworkPolicy"]["helm.sh/hook"] == hooks["Job"]["helm.sh/hook"]
    weights = {kind: int(notes.get("helm.sh/hook-weight", 0)) for kind, notes in hooks.items()}
    assert weights["NetworkPolicy"] < weights["Job"]


def test_names_are_resolved_where_a_value_says() -> None:
    rule = {"to": [{"ipBlock": {"cidr": "10.96.0.10/32"}}], "ports": [{"port": 53}]}
    given = ("--set-json", f"networkPolicy.dns={json.dumps([rule])}")
    (policy, _) = policies(render.template("--values", str(render.BASE), *given)).values()
    assert policy["egress"][0] == rule
    assert "kube-system" not in str(policy)


# Fields for which OpenShift's SCC restricted-v2 gives each namespace numbers, and refuses any
# other.
IDS = {"runAsUser", "runAsGroup", "fsGroup"}


def test_user_and_group_are_fixed_or_left_to_the_platform() -> None:
    for given, expected in (("true", IDS), ("false", set[str]())):
        everything = ("--values", str(render.HERE / "cases/everything.yaml"))
        values = ("--values", str(render.BASE), *everything, "--set", f"fixedUser={given}")
        manifests = render.template(*values)
        pods = [each for each in render.objects(manifests) if each["kind"] in ("Deployment", "Job")]
        contexts = [each["spec"]["template"]["spec"]["securityContext"] for each in pods]
        contexts += [
            each["spec"]["securityContext"]
            for each in render.objects(manifests)
            if each["kind"] == "Pod"
        ]
        assert len(contexts) == 4
        for context in contexts:
            assert context["runAsNonRoot"] is True
            assert set(context) & IDS == expected
        assert tool("podsecurity", manifests=manifests).returncode == 0


@pytest.mark.parametrize(
    ("given", "rendered"),
    [
        ("1", "1"),
        ("0.5", "0.5"),
        ("1000000000", "1000000000"),
        ('"1Ti"', "1Ti"),
        ('"1.5Gi"', "1.5Gi"),
        ('"250m"', "250m"),
        ('"1e3"', "1e3"),
        ('"2Ei"', "2Ei"),
    ],
)
def test_numbers_and_texts_are_valid_quantities(
    given: str, rendered: str, tmp_path: Path, pattern: str
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(f"resources: {{requests: {{cpu: {given}}}, limits: {{memory: {given}}}}}\n")
    manifests = render.case(file)
    resources = container(manifests)["resources"]
    assert resources["requests"]["cpu"] == resources["limits"]["memory"] == rendered
    assert kubeconform(pattern, manifests).returncode == 0


@pytest.mark.parametrize("given", ["1ki", "1 Gi", "-1", "1GB", "much"])
def test_the_chart_refuses_an_invalid_quantity(given: str) -> None:
    with pytest.raises(RefusedError, match="/resources/limits/memory"):
        render.template(
            "--values", str(render.BASE), "--set-string", f"resources.limits.memory={given}"
        )


def test_the_chart_works_as_a_subchart_with_globals(tmp_path: Path, pattern: str) -> None:
    parent = tmp_path / "parent"
    shutil.copytree(ROOT / render.CHART, parent / "charts/service")
    (parent / "Chart.yaml").write_text("{apiVersion: v2, name: parent, version: 0.1.0}\n")
    values = render.BASE.read_text().splitlines(keepends=True)
    inner = "".join(f"  {line}" for line in values)
    (parent / "values.yaml").write_text(f"global: {{region: north}}\nservice:\n{inner}")
    kubernetes = ("--kube-version", render.KUBERNETES)
    manifests = render.helm("template", "whole", str(parent), *kubernetes)
    assert kubeconform(pattern, manifests).returncode == 0
    labels = render.one(manifests, "Deployment")["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == "harbour"
    assert labels["app.kubernetes.io/instance"] == "whole"
