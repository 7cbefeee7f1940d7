"""Containers of the demo's pods, run by podman with the rights that the manifests give them.

Images stand in for the official ones: git of this machine on Debian's base, and the built registry
with the configuration file that the official image documents.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from demo import hosts
from stack.ways import tool

from tests.platform.image import engine
from tests.platform.stack.stand_ins import libraries
from tests.service import ROOT

GIT: Final = Path("/usr/lib/git-core")
TEMPLATES: Final = Path("/usr/share/git-core/templates")
CONFIG: Final = """\
version: 0.1
storage: {filesystem: {rootdirectory: /var/lib/registry}}
http: {addr: ":5000"}
"""
SERVE: Final = 'ENTRYPOINT ["registry", "serve", "/etc/distribution/config.yml"]'


def deployment(name: str) -> dict[str, Any]:
    """The pod's specification of a Deployment of the demo."""
    (found,) = [
        each["spec"]["template"]["spec"]
        for each in hosts.manifests(ROOT)
        if (each["kind"], each["metadata"]["name"]) == ("Deployment", name)
    ]
    return dict(found)


def make(name: str) -> str:
    """Make the image of a pod, and return its name."""
    image = f"localhost/ports-platform-demo-{name}"
    with TemporaryDirectory() as context:
        root = Path(context, "root")
        files = _git() if name == "git" else {Path("/usr/bin/registry"): Path(tool("registry"))}
        for path, file in files.items():
            copy = root / str(path).lstrip("/")
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file.resolve(), copy)
        if name == "git":
            shutil.copytree(TEMPLATES, root / str(TEMPLATES).lstrip("/"))
        else:
            (root / "etc/distribution").mkdir(parents=True)
            (root / "etc/distribution/config.yml").write_text(CONFIG)
        recipe = f"FROM {engine.base_image()}\nCOPY root /\n{SERVE if name == 'registry' else ''}\n"
        Path(context, "Dockerfile").write_text(recipe)
        engine.podman("build", "--quiet", "--tag", image, context)
    return image


@contextmanager
def running(name: str, volume: Path, *more: str, **env: str) -> Iterator[None]:
    """Run a pod's containers on this machine's network, the last one until the block ends.

    Args:
        name: Its Deployment.
        volume: An empty folder, which gets the rights of an `emptyDir` with an `fsGroup`.
        more: Further arguments of the last container.
        env: Further variables of the last container.
    """
    pod, image = deployment(name), make(name)
    os.chown(volume, 0, pod["securityContext"]["fsGroup"])
    volume.chmod(0o2770)
    for each in pod.get("initContainers", ()):
        engine.podman("run", "--rm", *_words(pod, each, volume, image))
    (each,) = pod["containers"]
    given = (f"--env={key}={value}" for key, value in env.items())
    words = ("run", "--detach", *given, *_words(pod, each, volume, image), *more)
    container = engine.podman(*words).stdout.strip()
    try:
        yield
    finally:
        engine.podman("rm", "--force", "--time", "0", container, check=False)
        engine.podman("rmi", "--force", image, check=False)


def _words(pod: dict[str, Any], each: dict[str, Any], volume: Path, image: str) -> list[str]:
    rights, of_pod = each["securityContext"], pod["securityContext"]
    assert not rights["allowPrivilegeEscalation"]
    assert rights["readOnlyRootFilesystem"]
    (mount,) = each["volumeMounts"]
    entry, *command = each.get("command", [""])
    return [
        *engine.LIMITS,
        "--read-only",
        "--read-only-tmpfs=false",
        "--security-opt=no-new-privileges",
        *(f"--cap-drop={name}" for name in rights["capabilities"]["drop"]),
        f"--user={of_pod['runAsUser']}:{of_pod['runAsGroup']}",
        f"--volume={volume}:{mount['mountPath']}",
        *(f"--env={variable['name']}={variable['value']}" for variable in each.get("env", ())),
        *([f"--entrypoint={entry}"] if entry else []),
        image,
        *command,
        *each.get("args", ()),
    ]


def _git() -> dict[Path, Path]:
    programs = [
        Path("/usr/bin/git"),
        *(GIT / name for name in ("git", "git-daemon", "git-upload-pack", "git-receive-pack")),
    ]
    return {file: file for file in (*programs, *libraries("/usr/bin/git"))}
