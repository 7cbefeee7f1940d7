"""The demo's commands on real git repositories; cluster, registry and image are stand-ins."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from demo import delivery, hosts
from demo.applications import Applications
from demo.cli import main
from demo.cluster import Place

from tests.unit.demo.conftest import Programs, git

DIGEST = f"sha256:{'1' * 64}"


@dataclass
class Demo:
    """The commands, typed in a checkout."""

    checkout: Path
    remote: str
    programs: Programs

    def types(self, what: str, *more: str) -> int:
        given = ("--registry", "r.test:5000", "--git", self.remote, "--engine", "engine")
        where = ("--root", str(self.checkout), "--service", "shop", "--context", "mine")
        return main([what, *where, *given, *more])

    def file(self, environment: str) -> str:
        """The file of an environment on the git host."""
        path = f"platform/argocd/environments/{environment}/shop.yaml"
        return git(Path(self.remote), "show", f"main:{path}")


@pytest.fixture
def demo(checkout: Path, remote: str, programs: Programs, monkeypatch: pytest.MonkeyPatch) -> Demo:
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setattr(hosts, "traffic", lambda *_: [{"kind": "ConfigMap"}])
    monkeypatch.setattr(Applications, "wait", lambda *_, **__: None)
    status = {"sync": {"status": "Synced"}, "health": {"status": "Healthy"}}
    application = {"metadata": {"name": "root"}, "status": status}
    programs.answer(" config current-context", "mine\n")
    programs.answer(" config view", "apiVersion: v1\n")
    programs.answer(" version ")
    programs.answer_object(" get (namespace|crd)", [])
    programs.answer(" get service", "")
    programs.answer_object(" get applications", [application])
    programs.answer(" apply ", "configmap/demo-traffic created\n")
    programs.answer("^crane digest", f"{DIGEST}\n")
    programs.answer("^make .*cluster ARGS=", "localhost : ok=9 changed=3 failed=0\n")
    return Demo(checkout, remote, programs)


def test_up_brings_the_commit_to_dev_and_changes_nothing_the_second_time(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo.checkout / ".git/info/exclude").write_text("tools/\n.demo/\n")
    before = git(demo.checkout, "status", "--porcelain", "--branch")
    assert demo.types("up", "--cluster-arguments=--check") == 0
    printed = capsys.readouterr().out
    assert "Argo CD and all applications: 1 Synced and Healthy" in printed
    assert "Changed after" in printed
    assert demo.file("dev") == f"replicas: 1\nimage:\n  digest: {DIGEST}"
    assert demo.file("prod") == ""
    assert git(demo.checkout, "status", "--porcelain", "--branch") == before
    (typed,) = demo.programs.calls("make")
    clone = Place(demo.checkout, demo.checkout / ".demo").clone
    for word in (f"platform_root={clone}", "platform_overlay=platform/adopt-demo.yaml", "--check"):
        assert word in typed
    demo.programs.answer(" apply ", "configmap/demo-traffic unchanged\n")
    demo.programs.answer("^make .*cluster ARGS=", "localhost : ok=9 changed=0 failed=0\n")
    assert demo.types("up") == 0
    printed = capsys.readouterr().out
    assert printed.count(" unchanged  ") == 7
    assert "Nothing changed after" in printed


def test_up_deploys_hosts_where_none_are_named(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(hosts, "manifests", lambda _: [{"kind": "Service"}])
    demo.programs.answer("rollout status", "deployment is rolled out")
    demo.programs.answer("port-forward", "no pods", 1)
    words = ["up", "--root", str(demo.checkout), "--service", "shop", "--engine", "engine"]
    assert main([*words, "--context", "mine"]) == 1
    assert "port-forward service/registry: no pods" in capsys.readouterr().err
    assert {"kind": "Service"} in demo.programs.given()
    assert len(demo.programs.calls("kubectl")) > 5


class Promoted:
    """Stands in for the promotion, which copies the digest."""

    def __init__(self, clone: Any, service: str, prometheus: str) -> None:
        self.clone, self.service, self.prometheus = clone, service, prometheus

    def promote(self, source: str, target: str) -> str:
        assert self.prometheus in {"http://p.test", "http://127.0.0.1:9"}
        self.clone.deploy(self.service, target, self.clone.digest(self.service, source))
        self.clone.push()
        return "error budget is left"

    def judge(self, target: str) -> str:
        return f"promoted in {target}"


def test_change_delivers_a_new_version_to_every_environment(
    demo: Demo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "Promotion", Promoted)
    assert demo.types("up") == 0
    new = f"sha256:{'2' * 64}"
    demo.programs.answer("^crane digest", f"{new}\n")
    assert demo.types("change", "--prometheus", "http://p.test") == 0
    printed = capsys.readouterr().out
    assert "Release shop 0.1.10" in printed
    assert "shop in prod: error budget is left; promoted in prod" in printed
    for environment in ("dev", "staging", "prod"):
        assert new in demo.file(environment)
    assert '"0.1.10"' in git(Path(demo.remote), "show", "main:services/shop/pyproject.toml")
    # A commit of the person takes the place of a new version.
    (demo.checkout / "services/shop/more").touch()
    git(demo.checkout, "add", "services")
    git(demo.checkout, "commit", "--quiet", "--message=My change")
    demo.programs.answer("port-forward", "Forwarding from 127.0.0.1:9 -> 9090\n")
    assert demo.types("change") == 0
    assert "0.1.11" not in capsys.readouterr().out
    assert "My change" in git(Path(demo.remote), "log", "--format=%s", "main")


def test_change_says_which_environment_has_another_image(
    demo: Demo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Refusing(Promoted):
        def promote(self, source: str, target: str) -> str:
            self.clone.deploy(self.service, target, f"sha256:{'3' * 64}")
            return f"promoted from {source}"

    monkeypatch.setattr(delivery, "Promotion", Refusing)
    assert demo.types("up") == 0
    assert demo.types("change", "--prometheus", "http://p.test") == 1
    assert "every environment: staging: has sha256:333" in capsys.readouterr().err


def test_a_service_without_a_version_needs_a_commit(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    (demo.checkout / "services/shop/pyproject.toml").write_text("[project]\n")
    git(demo.checkout, "commit", "--quiet", "--all", "--message=Take the version out")
    assert demo.types("up") == 0
    assert demo.types("change") == 1
    expected = 'pyproject.toml: has no line like version = "0.1.0"; commit a change yourself'
    assert expected in capsys.readouterr().err


def test_the_pages_are_told_with_their_passwords(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = {"kind": "Secret", "data": {"admin-password": base64.b64encode(b"open").decode()}}
    demo.programs.answer(" get service (grafana|argocd-server|shop) ", json.dumps({"kind": "S"}))
    demo.programs.answer(" get secret ", "")
    demo.programs.answer_object(" get secret grafana-admin ", secret)
    assert demo.types("up") == 0
    printed = capsys.readouterr().out
    assert (
        "Grafana: SLOs, logs, traces: http://localhost:3000 (user admin, password open)" in printed
    )
    assert "port-forward service/grafana 3000:80" in printed
    assert "Argo CD: every application: https://localhost:8443\n" in printed
    assert "shop in prod: http://localhost:8083" in printed
    assert "Jaeger" not in printed


def test_down_removes_cluster_files_and_images(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.types("up") == 0
    demo.programs.answer(" delete ")
    demo.programs.answer("^helm uninstall")
    demo.programs.answer(" get (namespace|crd|configmap)", "")
    demo.programs.answer("^engine image ls", "")
    assert demo.types("down") == 0
    assert "Nothing is left after" in capsys.readouterr().out
    assert not (demo.checkout / ".demo").exists()
    assert demo.types("change") == 1
    assert "no demo runs; make demo starts one" in capsys.readouterr().err


def test_a_registry_without_a_git_host_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["up", "--registry", "r.test"]) == 2
    assert "--registry and --git: give both" in capsys.readouterr().err


def test_a_machine_without_a_container_engine_is_told_what_to_install(
    demo: Demo, capsys: pytest.CaptureFixture[str]
) -> None:
    assert demo.types("up", "--engine", "") == 1
    assert "no container engine is on the PATH: install docker or podman" in capsys.readouterr().err
