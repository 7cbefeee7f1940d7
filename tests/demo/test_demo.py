"""From a fresh clone to a delivered change, and to nothing: the commands of the page, in order."""

import json
import re
from typing import Any

import pytest
from demo import hosts
from stack.errors import StackError

from tests.cluster.applications import Applications, eventually, is_well, revisions
from tests.cluster.programs import run
from tests.demo.conftest import Person
from tests.demo.rig import catalog
from tests.service import ROOT

ENVIRONMENTS = ("dev", "staging", "prod")
STEP = re.compile(r"^ +(\d+\.\d) s +(changed|unchanged|failed) +(.+)$", re.MULTILINE)
# Kinds without a namespace that the platform's charts have.
EVERYWHERE = (
    "namespaces", "crd", "clusterroles", "clusterrolebindings", "apiservices", "priorityclasses",
    "mutatingwebhookconfigurations", "validatingwebhookconfigurations",
)  # fmt: skip
DEMO, CHANGE, DOWN = "make demo", "make demo-change", "make demo-down"


def steps(printed: str) -> list[tuple[str, str]]:
    """Each step: its word, its name."""
    return [(word, rest.split(":")[0]) for _, word, rest in STEP.findall(printed)]


def everything(person: Person) -> set[str]:
    """Names of the cluster's objects without a namespace."""
    listed = person.rig.kubectl("get", ",".join(EVERYWHERE), "--output=name")
    return set(listed.split())


def specs(person: Person) -> dict[str, Any]:
    """The specification and data of everything that Argo CD and the demo deploy, by its name."""
    kinds = "deployments,services,configmaps,secrets,applications,applicationsets,rollouts"
    return {
        f"{each['kind']} {each['metadata']['namespace']}/{each['metadata']['name']}": (
            each["metadata"]["uid"],
            each.get("spec"),
            each.get("data"),
        )
        for each in person.rig.get(kinds, "--all-namespaces")
    }


def work(person: Person) -> tuple[str, str]:
    """The person's commit, and the changes of the working tree."""
    return (
        run("git", "rev-parse", "HEAD", cwd=person.clone),
        run("git", "status", "--porcelain", "--branch", cwd=person.clone),
    )


def head(person: Person) -> str:
    """The last commit on the git host."""
    return run("git", "ls-remote", person.rig.git, "refs/heads/main").split()[0]


@pytest.fixture(scope="module")
def empty(person: Person) -> set[str]:
    return everything(person)


@pytest.fixture(scope="module")
def started(person: Person, empty: set[str]) -> str:
    before = work(person)
    printed = person.types(DEMO)
    assert work(person) == before, "the person's commits and files stay as they are"
    return printed


@pytest.fixture(scope="module")
def changed(person: Person, started: str) -> str:
    return person.types(CHANGE)


def show(printed: str) -> None:
    print("", *(line for line in printed.splitlines() if STEP.match(line)), sep="\n")


def test_the_api_server_accepts_registry_and_git_host_under_the_restricted_level(
    person: Person, empty: set[str]
) -> None:
    space, *rest = hosts.manifests(ROOT)
    assert space["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    traffic = hosts.traffic(ROOT, "ports", ("try",))
    name = {"name": "ports-try", "labels": restricted}
    person.rig.apply([space, {"apiVersion": "v1", "kind": "Namespace", "metadata": name}])
    for each in ("demo", "ports-try"):
        account = ("get", "serviceaccount", "default", f"--namespace={each}", "--ignore-not-found")
        eventually(lambda words=account: person.rig.kubectl(*words), "no service account")
    # Pods, not only their Deployments, which the level does not refuse.
    pods = [pod(each) for each in (*rest, *traffic) if each["kind"] == "Deployment"]
    assert len(pods) == 3
    told = person.rig.apply([*rest, *traffic, *pods], "--validate=strict")
    assert "Warning" not in told
    pods[0]["spec"]["containers"][0]["securityContext"]["capabilities"] = {}
    pods[0]["metadata"]["name"] = "other"
    with pytest.raises(StackError, match='violates PodSecurity "restricted:latest"'):
        person.rig.apply(pods[:1])
    person.rig.kubectl("delete", "namespace", "demo", "ports-try")


def pod(deployment: dict[str, Any]) -> dict[str, Any]:
    """The pod of a Deployment, by its own name."""
    template = json.loads(json.dumps(deployment["spec"]["template"]))
    meta = {
        "name": deployment["metadata"]["name"],
        "namespace": deployment["metadata"]["namespace"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def test_make_demo_brings_a_fresh_clone_to_dev(person: Person, started: str) -> None:
    show(started)
    assert [word for word, _ in steps(started)] == ["changed"] * 6 + ["unchanged"]
    assert "Changed after" in started
    applications = Applications(person.rig)
    every = applications.all()
    assert {"ports-dev", "root", "prometheus"} <= {each["metadata"]["name"] for each in every}
    assert all(map(is_well, every)), "every application is Synced and Healthy"
    assert not any(each["metadata"]["name"] == "ports-prod" for each in every)
    assert revisions(applications.one("ports-dev")) == {head(person)}
    (image,) = catalog(person.rig)
    digest = run("tools/bin/crane", "digest", f"{person.rig.registry}/{image}", cwd=ROOT).strip()
    deployment = person.rig.get("deployment", "ports", "--namespace=ports-dev")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == f"{person.rig.registry}/ports@{digest}"
    assert "ports in dev: http://localhost:8081" in started


def test_a_second_make_demo_changes_nothing(person: Person, started: str) -> None:
    before = (head(person), catalog(person.rig), everything(person))
    deployed = specs(person)
    printed = person.types(DEMO, "again")
    show(printed)
    assert {word for word, _ in steps(printed)} == {"unchanged"}
    assert "Nothing changed after" in printed
    assert (head(person), catalog(person.rig), everything(person)) == before
    now = specs(person)
    assert {name for name in now | deployed if now.get(name) != deployed.get(name)} == set()


def test_make_demo_change_delivers_a_change_to_every_environment(
    person: Person, changed: str
) -> None:
    show(changed)
    assert "Release ports 0.1.1" in changed
    assert "ports in staging: error budget is left" in changed
    assert "ports in prod: OVERRIDE, since the gate said: no prod" in changed
    digests = {}
    applications = Applications(person.rig)
    for environment in ENVIRONMENTS:
        kind = "rollout" if environment == "prod" else "deployment"
        found = person.rig.get(kind, "ports", f"--namespace=ports-{environment}")
        (container,) = found["spec"]["template"]["spec"]["containers"]
        digests[environment] = container["image"].partition("@")[2]
        assert is_well(applications.one(f"ports-{environment}"))
    assert len(set(digests.values())) == 1
    assert len(catalog(person.rig)) == 2
    assert "; promoted in prod" in changed
    assert f"every environment: {digests['prod'][:19]}, " in changed
    assert all(map(is_well, applications.all()))


def test_a_failed_step_says_what_to_do(person: Person, changed: str) -> None:
    code, printed = person.tries(DEMO, "failed", DEMO_CONTEXT="other")
    assert code != 0
    assert [word for word, _ in steps(printed)] == ["failed"]
    assert "the demo runs in local, not in other; make demo-down ends it" in printed
    assert "What to do: " in printed


def test_make_demo_down_leaves_nothing(person: Person, changed: str, empty: set[str]) -> None:
    before = work(person)
    show(person.types(DOWN))
    assert everything(person) == empty
    assert not (person.clone / ".demo").exists()
    assert work(person) == before
    images = run("podman", "image", "ls", "--format={{.Repository}}:{{.Tag}}")
    assert not [name for name in images.split() if "/ports:demo-" in name]
