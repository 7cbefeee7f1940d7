"""`make deploy` and `make fault`; the programs that they call are stand-ins.

Each records its calls. The one for an engine has every image but the one that LACKING names.
"""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
Run = Callable[..., subprocess.CompletedProcess[str]]
RECORD = '#!/bin/sh\n# A stand-in.\necho "${0##*/} $*" >> $CALLS\n'
ENGINE = (
    f"{RECORD}"
    'case "$*" in\n'
    '  "image inspect $LACKING") exit 1 ;;\n'
    '  "save --output "*) echo image > "$3" ;;\n'
    "esac\n"
)
IMPORT = f"{RECORD}cat > /dev/null\n"
LOADERS = ("kind", "k3d", "minikube")


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def run(tmp_path: Path, calls: Path) -> Run:
    """Run a make target with a kubectl whose current context is the given one."""
    programs = tmp_path / "bin"
    programs.mkdir()
    kubectl = (
        f"{RECORD}"
        'case "$*" in\n'
        '  "config current-context") echo "$CONTEXT" ;;\n'
        '  "config view --minify "*) echo "${CLUSTER:-$CONTEXT}" ;;\n'
        '  "get crd "*) exit ${CRD_MISSING:-0} ;;\n'
        '  *"get service otel-agent "*) [ "$COLLECTOR_MISSING" ] || echo service/otel-agent ;;\n'
        "esac\n"
    )
    for name, script in {
        "kubectl": kubectl,
        **dict.fromkeys(("helm", *LOADERS), RECORD),
        "microk8s": IMPORT,
        **dict.fromkeys(("docker", "podman"), ENGINE),
    }.items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)

    def make(target: str, context: str, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{programs}:{variables.pop('PATH', os.environ['PATH'])}"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        env = {**clean, "PATH": path, "CALLS": str(calls), "CONTEXT": context, **variables}
        command = ["make", "--no-print-directory", target, "SERVICE=ports", "TAG=abc"]
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False
        )

    return make


LOCAL = (
    "kind", "kind-dev", "k3d-x", "minikube", "minikube-2", "docker-desktop", "microk8s-cluster",
    "colima-x", "orbstack", "rancher-desktop", "api-crc-testing:6443",
)  # fmt: skip


@pytest.mark.parametrize("context", LOCAL)
def test_a_local_context_gets_the_image_with_the_local_values(
    context: str, run: Run, calls: Path
) -> None:
    assert run("deploy", context).returncode == 0
    release = calls.read_text().splitlines()[-1]
    assert release == (
        "helm upgrade --install ports platform/chart --namespace ports-local --create-namespace "
        "--wait --timeout 5m -f platform/adopt.yaml -f services/ports/values.yaml "
        "-f platform/chart/values-local.yaml --set image.tag=abc"
    )


IMAGE = "ghcr.io/example/ports:abc"


@pytest.mark.parametrize(
    ("cluster", "loaded"),
    [
        ("kind", f"kind load docker-image {IMAGE} --name kind"),
        ("kind-dev", f"kind load docker-image {IMAGE} --name dev"),
        ("k3d-x", f"k3d image import {IMAGE} --cluster x"),
        ("minikube-2", f"minikube image load {IMAGE} --profile minikube-2"),
        ("microk8s-cluster", "microk8s images import"),
        ("docker-desktop", None),
        ("orbstack", None),
        ("rancher-desktop", None),
        ("colima-x", None),
    ],
)
def test_the_image_is_loaded_where_nodes_do_not_use_those_of_the_engine(
    cluster: str, loaded: str | None, run: Run, calls: Path
) -> None:
    assert run("deploy", "mine", CLUSTER=cluster, ENGINE="docker").returncode == 0
    called = calls.read_text().splitlines()
    assert f"docker image inspect {IMAGE}" in called
    loads = [line.strip() for line in called if line.split()[0] in (*LOADERS, "microk8s")]
    assert loads == ([loaded] if loaded else [])
    assert called[-1].startswith("helm upgrade"), "the image is there before the release"


@pytest.mark.parametrize(
    ("cluster", "loaded"),
    [
        ("kind-dev", "kind load image-archive FILE --name dev"),
        ("k3d-x", "k3d image import FILE --cluster x"),
        ("minikube", "minikube image load FILE --profile minikube"),
    ],
)
def test_deploy_loads_podmans_image_from_a_temporary_file(
    cluster: str, loaded: str, run: Run, calls: Path
) -> None:
    assert run("deploy", cluster, ENGINE="podman").returncode == 0
    called = calls.read_text().splitlines()
    (saved,) = (line.split() for line in called if line.startswith("podman save"))
    assert saved == ["podman", "save", "--output", saved[3], IMAGE]
    assert loaded.replace("FILE", saved[3]) in called
    assert not Path(saved[3]).parent.exists()


def test_an_image_that_was_not_built_is_told_before_anything_is_released(
    run: Run, calls: Path
) -> None:
    refused = run("deploy", "kind-dev", ENGINE="docker", LACKING=IMAGE)
    assert refused.returncode != 0
    told = f"{IMAGE}: not among the images of docker; make build SERVICE=ports TAG=abc"
    assert refused.stderr.splitlines()[0] == told
    assert not re.search("^(kind|helm) ", calls.read_text(), re.MULTILINE)


def test_a_loader_that_is_missing_is_told_before_anything_is_released(
    tmp_path: Path, run: Run, calls: Path
) -> None:
    (tmp_path / "bin/k3d").unlink()
    refused = run("deploy", "k3d-x", ENGINE="docker", PATH="/usr/bin:/bin")
    assert refused.returncode != 0
    told = f"k3d: not on the PATH, and only k3d loads {IMAGE} into k3d-x; install k3d"
    assert refused.stderr.splitlines()[0] == told
    assert "helm" not in calls.read_text()


def test_a_missing_engine_is_told(run: Run) -> None:
    refused = run("deploy", "kind-dev", ENGINE="")
    assert "kind-dev: no docker or podman on the PATH" in refused.stderr


def test_a_cluster_of_dockers_own_engine_is_not_given_podmans_image(run: Run) -> None:
    refused = run("deploy", "docker-desktop", ENGINE="podman")
    assert refused.returncode != 0
    assert "make build ENGINE=docker" in refused.stderr


def test_a_cluster_of_an_unknown_kind_is_left_to_who_deploys(run: Run, calls: Path) -> None:
    done = run("deploy", "lab", ALLOW_CONTEXT="lab")
    assert done.returncode == 0
    assert f"push or load {IMAGE} yourself" in done.stdout
    assert "image inspect" not in calls.read_text()


@pytest.mark.parametrize("target", ["deploy", "fault"])
@pytest.mark.parametrize("context", ["production", "arn:aws:eks:cluster/kind-of", "not-minikube"])
def test_another_context_is_refused(target: str, context: str, run: Run, calls: Path) -> None:
    refused = run(target, context, FAULT="errors")
    assert refused.returncode != 0
    assert f"The context {context} (cluster {context}) is not known as local" in refused.stderr
    assert {line.split()[1] for line in calls.read_text().splitlines()} == {"config"}


def test_the_clusters_name_counts_as_for_tilt_and_not_the_contexts(run: Run) -> None:
    """A context can be renamed to anything."""
    assert run("deploy", "mine", CLUSTER="kind-dev").returncode == 0
    assert run("deploy", "kind-dev", CLUSTER="gke_acme_prod").returncode != 0


def test_another_context_is_taken_when_it_is_named(run: Run, calls: Path) -> None:
    assert run("deploy", "lab", ALLOW_CONTEXT="lab").returncode == 0
    assert run("deploy", "lab", ALLOW_CONTEXT="other").returncode != 0
    assert calls.read_text().count("helm upgrade") == 1


def test_an_environment_is_released_as_argo_cd_would(run: Run, calls: Path) -> None:
    assert run("deploy", "kind-dev", ENVIRONMENT="staging").returncode == 0
    release = calls.read_text().splitlines()[-1]
    assert "--namespace ports-staging" in release
    assert "-f platform/argocd/environments/staging/ports.yaml --set environment=staging" in release
    assert "image.tag" not in release
    assert "load" not in calls.read_text(), "its registry has the image"


def test_a_cluster_without_the_operator_gets_no_service_monitor(run: Run, calls: Path) -> None:
    done = run("deploy", "kind-dev", CRD_MISSING="1")
    assert "released without a ServiceMonitor" in done.stdout
    assert calls.read_text().splitlines()[-1].endswith("--set serviceMonitor.enabled=false")


def test_a_cluster_without_a_collector_gets_no_telemetry(run: Run, calls: Path) -> None:
    done = run("deploy", "kind-dev", COLLECTOR_MISSING="1")
    assert "released without telemetry" in done.stdout
    assert calls.read_text().splitlines()[-1].endswith("--set telemetry.enabled=false")


def test_the_collector_is_looked_for_where_services_send_to(run: Run, calls: Path) -> None:
    assert run("deploy", "kind-dev").returncode == 0
    telemetry = YAML(typ="safe").load(ROOT / "platform/chart/values.yaml")["telemetry"]
    asked = f"kubectl -n {telemetry['namespace']} get service {telemetry['agent']}"
    assert f"{asked} --ignore-not-found --output name" in calls.read_text().splitlines()


def test_a_fault_is_a_config_map_that_pods_look_at_now(run: Run, calls: Path) -> None:
    assert run("fault", "kind-dev", FAULT="latency", SHARE="0.5").returncode == 0
    made, looked = (
        line for line in calls.read_text().splitlines() if "create" in line or "annot" in line
    )
    assert 'fault.json={"fault": "latency", "share": 0.5}' in made
    assert "-n ports-local" in made
    assert "annotate pods -l app.kubernetes.io/name=ports" in looked


def test_no_fault_is_no_config_map(run: Run, calls: Path) -> None:
    assert run("fault", "kind-dev", FAULT="off").returncode == 0
    assert "delete configmap ports-faults --ignore-not-found" in calls.read_text()


def test_an_unknown_fault_is_refused_with_those_there_are(run: Run) -> None:
    refused = run("fault", "kind-dev", FAULT="fire")
    assert refused.returncode != 0
    assert "FAULT=errors|latency|db-down|off" in refused.stderr
