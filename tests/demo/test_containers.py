"""Registry and git host as containers with the rights of their pods: a user, nothing to write."""

import tarfile
from pathlib import Path

from stack.addresses import HOST
from stack.ways import tool

from tests.cluster.programs import run
from tests.demo import containers
from tests.service import ROOT, free_port
from tests.support.harness import wait_for


def answers(*command: str) -> bool:
    try:
        run(*command)
    except AssertionError:
        return False
    return True


def test_the_git_host_takes_a_push_and_gives_it_back(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    port = free_port()
    url = f"git://{HOST}:{port}/ports-platform"
    with containers.running("git", tmp_path / "volume", f"--port={port}"):
        wait_for("the git host answers", lambda: answers("git", "ls-remote", url))
        run("git", "push", "--quiet", url, "HEAD:refs/heads/main", cwd=ROOT)
        run("git", "clone", "--quiet", url, str(tmp_path / "clone"))
        head = run("git", "rev-parse", "HEAD", cwd=ROOT)
        assert run("git", "rev-parse", "HEAD", cwd=tmp_path / "clone") == head


def test_the_git_host_takes_a_clone_without_history(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    port = free_port()
    url = f"git://{HOST}:{port}/ports-platform"
    run("git", "clone", "--quiet", "--depth=1", ROOT.as_uri(), str(tmp_path / "shallow"))
    with containers.running("git", tmp_path / "volume", f"--port={port}"):
        wait_for("the git host answers", lambda: answers("git", "ls-remote", url))
        run("git", "push", "--quiet", url, "HEAD:refs/heads/main", cwd=tmp_path / "shallow")
        assert run("git", "ls-remote", url, "refs/heads/main").split()


def test_the_registry_takes_an_image_and_knows_its_digest(tmp_path: Path) -> None:
    (tmp_path / "volume").mkdir()
    address = f"{HOST}:{free_port()}"
    with containers.running("registry", tmp_path / "volume", REGISTRY_HTTP_ADDR=address):
        wait_for("the registry answers", lambda: answers(tool("crane"), "catalog", address))
        layer = tmp_path / "layer.tar"
        with tarfile.open(layer, "w") as tar:
            tar.add(ROOT / "README.md", "README.md")
        words = (
            "append",
            "--oci-empty-base",
            f"--new_layer={layer}",
            f"--new_tag={address}/image:1",
        )
        run(tool("crane"), *words)
        digest = run(tool("crane"), "digest", f"{address}/image:1").strip()
        run(tool("crane"), "pull", f"{address}/image@{digest}", str(tmp_path / "pulled.tar"))
