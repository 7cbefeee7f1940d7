"""Run tests on a node: `python -m tests.node.run PYTEST_ARGUMENTS`.

Makes the images in a podman store of its own, starts podman's Docker-compatible service for builds,
and runs pytest in new network, mount and PID namespaces. Processes and mounts of the node end with
the namespaces; settings and files that outlive them are restored and removed here.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.node import images, machine
from tests.platform.image import engine
from tests.platform.stack import stand_ins

ARCHIVE: Final = "NODE_IMAGES"
SOCKET: Final = "NODE_ENGINE"
SCRATCH: Final = "NODE_SCRATCH"
# Outside the checkout, whose path may have a blank, which overlay mounts do not take.
STORE: Final = engine.CACHE / "node"
_NAMESPACES: Final = (
    "unshare", "--net", "--mount", "--propagation", "private",
    "--pid", "--fork", "--kill-child", "--mount-proc",
)  # fmt: skip
# The shell is PID 1, so that it reaps orphaned processes of containers.
_SHELL: Final = ("bash", "-c", '"$@"; exit $?', "tests")


@contextmanager
def _service(folder: Path) -> Iterator[Path]:
    """Run podman's Docker-compatible service and yield its socket, which is a file."""
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


def _patiently(command: Sequence[str], env: Mapping[str, str]) -> int:
    """Run a command to its end: Ctrl-C reaches it as well, and it needs time to clean up."""
    process = subprocess.Popen(command, env=env)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def main() -> int:
    """Run the tests as root (by sudo if needed); return pytest's exit code, 2 without a program."""
    if os.geteuid() != 0:
        again = ("sudo", "--preserve-env", sys.executable, "-m", "tests.node.run", *sys.argv[1:])
        return _patiently(again, os.environ)
    if absent := machine.missing():
        print(f"not installed: {' '.join(absent)}; make packages installs them", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    STORE.mkdir(parents=True, exist_ok=True)
    os.environ.update(stand_ins.configuration(STORE))
    archive = STORE / "images.tar"
    print("images: building (2 minutes at first use) …", flush=True)
    print(*(f"images: {name}" for name in images.save(archive)), sep="\n", flush=True)
    # A user's next `make test` writes its own cache.
    pytest = (str(Path(sys.executable).with_name("pytest")), "-p", "no:cacheprovider")
    before = machine.settings()
    # The folder's path is short: it holds Unix sockets, whose paths are limited to 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="node-", ignore_cleanup_errors=True) as scratch,
        _service(Path(scratch)) as socket,
    ):
        paths = {ARCHIVE: str(archive), SOCKET: str(socket), SCRATCH: scratch}
        env = {**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            return _patiently((*_NAMESPACES, *_SHELL, *pytest, *sys.argv[1:]), env)
        finally:
            machine.restore(before)


if __name__ == "__main__":
    sys.exit(main())
