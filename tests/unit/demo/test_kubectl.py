"""The cluster as the demo sees it; kubectl is a stand-in (`make e2e-demo` has it real)."""

from pathlib import Path

import pytest
from demo import kubectl as module
from demo.errors import DemoError
from demo.kubectl import Kubectl, wait_until_gone

from tests.unit.demo.conftest import Programs


@pytest.fixture
def kubectl(tmp_path: Path, programs: Programs) -> Kubectl:
    return Kubectl(tmp_path / "kubeconfig")


def test_only_new_or_different_objects_count_as_changed(
    kubectl: Kubectl, programs: Programs
) -> None:
    programs.answer(" apply ", "service/git unchanged\ndeployment.apps/git configured\n")
    assert kubectl.apply([{"kind": "Service"}]) == ["deployment.apps/git"]
    assert programs.given() == [{"kind": "Service"}]


def test_an_object_or_kind_that_is_not_there_is_none(kubectl: Kubectl, programs: Programs) -> None:
    programs.answer(" get pods", "")
    assert kubectl.get("pods", "one") is None
    programs.answer(" get rollouts", 'the server doesn\'t have a resource type "rollouts"', 1)
    assert kubectl.get("rollouts") is None
    programs.answer_object(" get services", [{"kind": "Service"}])
    assert kubectl.get("services") == [{"kind": "Service"}]
    programs.answer(" get nodes", "connection refused", 1)
    with pytest.raises(DemoError, match="connection refused"):
        kubectl.get("nodes")


def test_a_forwarded_port_is_yielded(kubectl: Kubectl, programs: Programs) -> None:
    programs.answer("port-forward", "Forwarding from 127.0.0.1:4242 -> 5000\n")
    with kubectl.forward("demo", "registry", 5000) as address:
        assert address == "127.0.0.1:4242"
    programs.answer("port-forward", "error: no pods", 1)
    with (
        pytest.raises(DemoError, match="port-forward service/git: error: no pods"),
        kubectl.forward("demo", "git", 9418),
    ):
        pytest.fail("it did not forward")


def test_waiting_ends_with_the_objects_or_with_an_error(
    kubectl: Kubectl, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs.answer("rollout status --namespace=demo deployment/git --timeout=300s")
    kubectl.wait_rolled_out("demo", "git")
    programs.answer(" get namespace", "")
    wait_until_gone(kubectl, "namespace", "a", "b")
    programs.answer_object(" get namespace b", {"kind": "Namespace"})
    monkeypatch.setattr(module, "WAIT_SECONDS", 0.1)
    with pytest.raises(DemoError, match=r"namespace b: not deleted after 0\.1 s"):
        wait_until_gone(kubectl, "namespace", "a", "b")
