"""Images of several architectures become one, in a real registry."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import checkout, terminal
from tests.e2e.backends import eventually
from tests.service import ROOT, free_port

CRANE = ROOT / "tools/bin/crane"
ARCHITECTURES = ("amd64", "arm64")


def crane(*arguments: str) -> str:
    done = subprocess.run([CRANE, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def registry() -> Iterator[str]:
    """A registry of crane's own on a free port: its address."""
    address = f"127.0.0.1:{free_port()}"
    with subprocess.Popen([CRANE, "registry", "serve", "--address", address]) as process:
        try:
            eventually(lambda: answers(address))
            yield address
        finally:
            process.terminate()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/v2/").is_success
    except httpx.TransportError:
        return False


def push(registry: str, folder: Path, architecture: str) -> str:
    """Push an image of one file, as `make publish ARCH=…` would; its name by digest."""
    layer, name = folder / f"{architecture}.tar", f"{registry}/ports:v1-{architecture}"
    (folder / architecture).write_text(architecture)
    with tarfile.open(layer, "w") as archive:
        archive.add(folder / architecture, architecture)
    crane("append", "--new_layer", str(layer), "--new_tag", name)
    return crane("mutate", name, "--set-platform", f"linux/{architecture}", "--tag", name)


def test_one_name_is_an_image_for_each_architecture(registry: str, tmp_path: Path) -> None:
    root = tmp_path / "ports-platform"
    checkout.copy_to(root)
    adoption = root / "platform/adopt.yaml"
    adoption.write_text(
        adoption.read_text().replace("registry: ghcr.io/example", f"registry: {registry}")
    )
    published = {}
    for architecture in ARCHITECTURES:
        published[architecture] = push(registry, tmp_path, architecture)
        folder = root / "dist/ports" / architecture
        folder.mkdir(parents=True)
        (folder / "image").write_text(published[architecture] + "\n")

    terminal.run(
        "make publish-index TAG=v1", folder=root, env={"GITHUB_OUTPUT": str(tmp_path / "out")}
    )

    name = (root / "dist/ports/image").read_text().strip()
    index = json.loads(crane("manifest", f"{registry}/ports:v1"))
    digests = {each["platform"]["architecture"]: each["digest"] for each in index["manifests"]}
    assert digests == {arch: image.split("@")[1] for arch, image in published.items()}
    assert name == f"{registry}/ports@{crane('digest', f'{registry}/ports:v1')}"
    assert (tmp_path / "out").read_text() == "name={}\ndigest={}\n".format(*name.split("@"))
    for architecture in ARCHITECTURES:
        config = crane("config", "--platform", f"linux/{architecture}", name)
        assert json.loads(config)["architecture"] == architecture


def test_no_image_is_made_of_one_architecture_alone(registry: str, tmp_path: Path) -> None:
    root = tmp_path / "ports-platform"
    checkout.copy_to(root)
    folder = root / "dist/ports/amd64"
    folder.mkdir(parents=True)
    (folder / "image").write_text(push(registry, tmp_path, "amd64"))
    code, printed = terminal.attempt("make publish-index TAG=v1", folder=root)
    assert code != 0
    assert "arm64/image" in printed
