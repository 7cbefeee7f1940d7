"""Argo CD's applications; kubectl is a stand-in."""

from pathlib import Path
from typing import Any

import pytest
from demo import applications as module
from demo.applications import Applications, commits, state
from demo.errors import DemoError
from demo.kubectl import Kubectl

from tests.unit.demo.conftest import Programs


def application(sync: str = "Synced", health: str = "Healthy", **more: Any) -> dict[str, Any]:
    status = {"sync": {"status": sync, "revision": "abc"}, "health": {"status": health}}
    return {"kind": "Application", "metadata": {"name": "shop-dev"}, "status": status | more}


@pytest.fixture
def applications(programs: Programs, tmp_path: Path) -> Applications:
    programs.answer(" annotate ")
    return Applications(Kubectl(tmp_path / "kubeconfig"), seconds=0)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (None, "not created"),
        ({}, "Unknown Unknown"),
        (application(), "Synced Healthy"),
        (application() | {"operation": {}}, "Synced Healthy"),
        (application() | {"operation": {"sync": {}}}, "syncing Healthy"),
    ],
)
def test_a_state_is_sync_and_health(found: dict[str, Any] | None, words: str) -> None:
    assert state(found) == words


def test_an_application_with_several_sources_has_several_commits() -> None:
    several = application()
    several["status"]["sync"]["revisions"] = ["abc", "abc", "def"]
    assert commits(several) == {"abc", "def"}
    assert commits(application()) == {"abc"}


def test_waiting_asks_argo_cd_to_look_at_git(
    applications: Applications, programs: Programs
) -> None:
    programs.answer_object(" get application shop-dev", application())
    applications.wait("shop-dev", "abc")
    (asked,) = [words for words in programs.calls() if " annotate " in words]
    assert asked.endswith("application shop-dev argocd.argoproj.io/refresh=normal")


def test_health_can_wait_for_the_verdict(
    applications: Applications, programs: Programs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0)
    ill = application(health="Degraded", operationState={"message": "one pod failed"})
    programs.answer_object(" get application shop-dev", ill)
    applications.wait("shop-dev", "abc", is_healthy=False)
    expected = "Synced Degraded after 0 s, not Synced Healthy at abc: one pod failed"
    with pytest.raises(DemoError, match=expected):
        applications.wait("shop-dev", "abc")
    programs.answer(" get application shop-dev", "")
    with pytest.raises(DemoError, match=r"not created after 0 s, .*: Argo CD has no message"):
        applications.wait("shop-dev", "abc")
    asked = [words for words in programs.calls() if " applicationsets --all " in words]
    assert len(asked) == 1, "the application set creates it"


def test_all_are_counted_once_all_are_well(applications: Applications, programs: Programs) -> None:
    programs.answer_object(" get applications", [application(), application()])
    assert applications.wait_for_all() == 2
    programs.answer_object(" get applications", [application(), application("OutOfSync")])
    with pytest.raises(DemoError, match=r"^shop-dev: OutOfSync Healthy \(after 0 s\)$"):
        applications.wait_for_all()
    programs.answer_object(" get applications", [])
    with pytest.raises(DemoError, match="there is no application"):
        applications.wait_for_all()
