"""A cluster of the demo's own, or a named one; kubectl, kind and helm are stand-ins."""

import pytest
from demo import cluster
from demo.cluster import Place
from demo.errors import DemoError

from tests.unit.demo.conftest import Programs

CONFIG = "apiVersion: v1\nkind: Config\n"
CRD = {"metadata": {"name": "applications.argoproj.io"}}
OTHER = {"metadata": {"name": "probes.monitoring.coreos.com"}}
FOREIGN = {"metadata": {"name": "certificates.cert-manager.io"}}


def used(place: Place, programs: Programs, context: str) -> None:
    """A demo that runs already."""
    place.folder.mkdir(parents=True)
    place.kubeconfig.write_text(CONFIG)
    programs.answer(" config current-context", f"{context}\n")
    programs.answer(" version ")


@pytest.mark.parametrize(
    ("known", "verb"), [("", "create cluster --wait=120s"), ("ports-demo\n", "export kubeconfig")]
)
def test_kind_makes_the_cluster_or_has_it(
    place: Place, programs: Programs, known: str, verb: str
) -> None:
    programs.answer("^kind get clusters", known)
    programs.answer(f"^kind {verb} --name=ports-demo --kubeconfig={place.kubeconfig}$")
    assert cluster.ensure(place, "")
    assert len(programs.calls("kind")) == 2


def test_a_named_context_is_copied_and_its_kinds_are_noted(
    place: Place, programs: Programs
) -> None:
    programs.answer("config view --minify --flatten --context=mine$", CONFIG)
    programs.answer(" get namespace", "")
    programs.answer_object(" get crd", [OTHER, FOREIGN])
    programs.answer(" apply ", "namespace/demo created\n")
    assert cluster.ensure(place, "mine")
    assert place.kubeconfig.read_text() == CONFIG
    assert place.kubeconfig.stat().st_mode & 0o077 == 0, "it has credentials"
    _, record = programs.given()
    assert record["data"] == {"kinds": "probes.monitoring.coreos.com"}


def test_a_cluster_with_an_argo_cd_of_its_own_is_refused(place: Place, programs: Programs) -> None:
    programs.answer("config view", CONFIG)
    programs.answer(" get namespace", "")
    programs.answer_object(" get namespace argocd", {"kind": "Namespace"})
    with pytest.raises(DemoError, match="mine: has the namespace argocd; use a cluster without"):
        cluster.ensure(place, "mine")
    assert not place.kubeconfig.exists()


def test_a_cluster_of_an_earlier_demo_is_taken_again(place: Place, programs: Programs) -> None:
    programs.answer("config view", CONFIG)
    programs.answer_object(" get namespace demo", {"kind": "Namespace"})
    assert cluster.ensure(place, "mine")


def test_a_demo_stays_in_its_cluster(place: Place, programs: Programs) -> None:
    used(place, programs, "kind-ports-demo")
    assert not cluster.ensure(place, "")
    with pytest.raises(DemoError, match="runs in kind-ports-demo, not in mine; make demo-down"):
        cluster.ensure(place, "mine")


def test_without_a_demo_there_is_nothing_to_remove(place: Place) -> None:
    with pytest.raises(DemoError, match="no demo runs; make demo starts one"):
        cluster.remove(place, ["shop-dev"])


def test_kinds_cluster_goes_whole(place: Place, programs: Programs) -> None:
    used(place, programs, "kind-ports-demo")
    programs.answer("^kind delete cluster --name=ports-demo$")
    cluster.remove(place, ["shop-dev"])
    assert not place.folder.exists()


def test_a_named_cluster_loses_what_the_demo_brought(place: Place, programs: Programs) -> None:
    used(place, programs, "mine")
    programs.answer("^helm uninstall argocd")
    programs.answer(" delete ")
    programs.answer(" get namespace", "")
    programs.answer_object(" get crd", [CRD, OTHER, FOREIGN])
    record = {"kind": "ConfigMap", "data": {"kinds": "probes.monitoring.coreos.com"}}
    programs.answer_object(" get configmap before", record)
    cluster.remove(place, ["shop-dev"])
    deleted = [words.partition(" delete ")[2] for words in programs.calls() if " delete " in words]
    assert [words.split(" --")[0] for words in deleted] == [
        "application root",
        "applicationsets",
        "applications",
        "namespace shop-dev",
        "namespace argocd",
        "namespace observability",
        "namespace demo",
        "clusterrole",
        "clusterrolebinding",
        "crd applications.argoproj.io",
    ]
    assert not place.folder.exists()


def test_without_a_record_no_kind_is_deleted(place: Place, programs: Programs) -> None:
    used(place, programs, "mine")
    programs.answer("^helm uninstall argocd")
    programs.answer(" delete ")
    programs.answer(" get (namespace|configmap|crd)", "")
    cluster.remove(place, [])
    assert not [words for words in programs.calls() if " delete crd" in words]
    assert not [words for words in programs.calls() if " delete application" in words]
