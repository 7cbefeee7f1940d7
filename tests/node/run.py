"""Run tests on a node: `python -m tests.node.run PYTEST_ARGUMENTS`.

Makes the images, starts podman's Docker-compatible service for what builds images, and runs pytest
in namespaces of its own: network, mounts and processes of the node end with the tests.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.node import images
from tests.platform.image import engine
from tests.platform.stack import stand_ins
from tests.service import ROOT

ARCHIVE: Final = "NODE_IMAGES"
SOCKET: Final = "NODE_ENGINE"
_NAMESPACES: Final = (
    "unshare", "--net", "--mount", "--propagation", "private",
    "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
# The shell is the first process: it lays to rest what a container's shim leaves behind.
_SHELL: Final = ("bash", "-c", '"$@"; exit $?', "tests")


@contextmanager
def _service(folder: Path) -> Iterator[Path]:
    """Podman as Docker: its socket, which the node's namespaces reach as a file."""
    socket = folder / "podman.sock"
    configuration = folder / "containers.conf"
    configuration.write_text(f'{stand_ins.CONTAINERS_CONF}netns = "host"\n')
    process = subprocess.Popen(
        [*engine.PODMAN, "system", "service", "--time=0", f"unix://{socket}"],
        env={**os.environ, "CONTAINERS_CONF": str(configuration)},
    )
    try:
        yield socket
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """Run it as root, by sudo if need be, and return pytest's exit code."""
    if os.geteuid() != 0:
        again = (sys.executable, "-m", "tests.node.run", *sys.argv[1:])
        return subprocess.run(["sudo", "--preserve-env", *again], check=False).returncode
    archive = ROOT / ".cache" / "node" / "images.tar"
    print("images: making them (two minutes at first) …", flush=True)
    print(*(f"images: {name}" for name in images.save(archive)), sep="\n", flush=True)
    pytest = (str(Path(sys.executable).with_name("pytest")), *sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder)) as socket:
        env = {**os.environ, ARCHIVE: str(archive), SOCKET: str(socket)}
        return subprocess.run([*_NAMESPACES, *_SHELL, *pytest], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
