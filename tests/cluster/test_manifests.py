"""A real API server accepts every rendered manifest."""

from pathlib import Path

import pytest
from stack.cluster import Cluster
from stack.errors import StackError
from stack.ways import BIN

from tests.cluster import charts
from tests.cluster.conftest import ENVIRONMENTS, Bootstrap
from tests.cluster.programs import run
from tests.cluster.repository import Repository

# Every optional block of the service chart at once.
EVERYTHING = """
postgresql:
  enabled: true
  existingSecret: ports-database
  peers: [{podSelector: {matchLabels: {app: postgresql}}}]
autoscaling: {enabled: true}
httpRoute:
  enabled: true
  parentRefs: [{name: public, namespace: gateway}]
  hostnames: [ports.example.com]
  gatewayNamespace: gateway
networkPolicy:
  callers: [{namespaceSelector: {matchLabels: {team: ships}}}]
  egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24}}], ports: [{port: 443}]}]
faults: {enabled: true}
rollout: {enabled: true}
"""
UMBRELLAS = (
    "argo-rollouts",
    "otel-collector",
    "prometheus",
    "grafana",
    "jaeger",
    "kyverno",
    "loki",
    "prometheus-adapter",
    "thanos",
    "argocd/install",
)

# Values without which a chart does not render, and which Argo CD's application passes.
GIVEN = {"kyverno": ("--set=admission.repository=https://github.com/example/ports-platform",)}


def helm(repository: Repository, release: str, chart: str, *flags: str) -> str:
    known = ("--kube-version=1.34.4", "--api-versions=apiregistration.k8s.io/v1")
    command = (str(BIN / "helm"), "template", release, chart, *known, *flags)
    return run(*command, cwd=repository.path)


def dry_run(cluster: Cluster, namespace: str, manifests: str) -> int:
    """Count what the server accepts; without a namespace, each object names its own."""
    flags = ["--server-side", "--force-conflicts", "--dry-run=server"]
    if namespace:
        flags.append(f"--namespace={namespace}")
    return cluster.kubectl("apply", *flags, "--filename=-", stdin=manifests).count("\n")


def test_the_api_server_accepts_every_rendered_manifest(
    platform: Bootstrap, cluster: Cluster, repository: Repository, tmp_path: Path
) -> None:
    accepted: dict[str, int] = {}
    adoption = "--values=platform/adopt.yaml"
    everything = tmp_path / "everything.yaml"
    everything.write_text(EVERYTHING)
    for environment in ENVIRONMENTS:
        own = f"--values={repository.environment(environment)}"
        facts = "--values=services/ports/values.yaml"
        flags = (adoption, facts, own, f"--set=environment={environment}")
        for name, more in {"as declared": (), "every option": (f"--values={everything}",)}.items():
            rendered = helm(repository, "ports", "platform/chart", *flags, *more)
            count = dry_run(cluster, f"ports-{environment}", rendered)
            accepted[f"ports in {environment}, {name}"] = count
    generated = repository.path / "platform/generated"
    for file in sorted(generated.rglob("kustomization.yaml")):
        rendered = run(str(BIN / "kustomize"), "build", str(file.parent))
        name = f"generated/{file.parent.relative_to(generated)}"
        accepted[name] = dry_run(cluster, "ports-dev", rendered)
    for name in UMBRELLAS:
        release = name.split("/")[0]
        space = {"argocd": "argocd", "kyverno": "kyverno"}.get(release, "observability")
        crds = ("--include-crds", f"--namespace={space}", *GIVEN.get(release, ()))
        rendered = helm(repository, release, f"platform/{name}", *crds)
        over = "the upstream chart" if charts.ARE_REAL else "its stub"
        accepted[f"umbrella {name}, over {over}"] = dry_run(cluster, "", rendered)
    for name in ("root", "apps"):
        rendered = helm(repository, name, f"platform/argocd/{name}", adoption)
        accepted[f"argocd/{name}"] = dry_run(cluster, "argocd", rendered)
    for what, count in accepted.items():
        print(f"  {count:3} objects accepted: {what}")
    assert min(accepted.values()) > 0


def test_who_adopts_the_platform_changes_one_file(repository: Repository, tmp_path: Path) -> None:
    adoption = tmp_path / "adopt.yaml"
    text = (repository.path / "platform/adopt.yaml").read_text()
    text = text.replace(repository.url, "https://git.acme.test/platform")
    adoption.write_text(text.replace("example", "acme"))
    flags = (f"--values={adoption}",)
    rendered = helm(repository, "root", "platform/argocd/root", *flags)
    rendered += helm(repository, "apps", "platform/argocd/apps", *flags)
    facts = ("--values=services/ports/values.yaml", "--set=environment=dev")
    own = f"--values={repository.environment('dev')}"
    rendered += helm(repository, "ports", "platform/chart", *flags, *facts, own)
    assert "https://git.acme.test/platform" in rendered
    assert "ghcr.io/acme/ports@" in rendered
    assert "example" not in rendered


def test_the_api_server_refuses_what_lacks_a_field_that_its_kind_needs(
    platform: Bootstrap, cluster: Cluster
) -> None:
    metadata = {"name": "x", "namespace": "ports-dev"}
    monitor = {"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor"}
    # kubectl itself says nothing then, so that it is the server's word.
    flags = ("--dry-run=server", "--validate=false")
    with pytest.raises(StackError, match=r"spec\.selector: Required value"):
        cluster.apply([{**monitor, "metadata": metadata, "spec": {}}], *flags)


def test_a_pod_with_privileges_is_refused_where_services_run(
    platform: Bootstrap, cluster: Cluster
) -> None:
    metadata = {"name": "x", "namespace": "ports-dev"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    spec = {"containers": [{"name": "x", "image": "x"}]}
    with pytest.raises(StackError, match="violates PodSecurity"):
        cluster.apply([{**pod, "spec": spec}], "--dry-run=server")
