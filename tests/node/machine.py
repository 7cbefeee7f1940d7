"""Prepare the machine for the node, and restore the settings that the node changes."""

import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack import kubernetes

from tests.platform.image import engine

# Whether node, pods and Services have IPv6 alone: `make e2e-node-ipv6`.
IS_IPV6: Final = "NODE_IPV6" in os.environ
ADDRESS: Final = "fd00:200::1" if IS_IPV6 else "10.200.0.1"
BRIDGE: Final = "node0"
PODS: Final = "fd00:244::/64" if IS_IPV6 else "10.244.0.0/24"
SERVICES: Final = "fd00:10::/112" if IS_IPV6 else kubernetes.SERVICES
ANYWHERE: Final = "::/0" if IS_IPV6 else "0.0.0.0/0"
PROGRAMS: Final = ("containerd", "ctr", "runc", "nft", "ip", "/usr/lib/cni/bridge")
GONE_SECONDS: Final = 10.0
_CGROUPS: Final = Path("/sys/fs/cgroup")
# The kubelet sets these for the whole machine.
_SYSCTLS: Final = (
    "vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
)  # fmt: skip


def missing() -> list[str]:
    """Programs that are not installed here."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def is_own() -> bool:
    """Whether this process is in a new PID namespace, as `tests.node.run` makes it."""
    return os.getppid() == 1


def prepare(scratch: Path) -> None:
    """Give the node an address, an empty /run and an overlay over /var.

    The kubelet refuses a loopback address, so the node has the address of a bridge.
    """
    run("mount", "--make-rshared", "/")
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    upper, work = scratch / "var", scratch / "var.work"
    for folder in (upper, work):
        folder.mkdir()
    layers = f"lowerdir=/var,upperdir={upper},workdir={work}"
    run("mount", "-t", "overlay", "overlay", "-o", layers, "/var")
    shutil.rmtree("/var/log/pods", ignore_errors=True)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    own = (f"{ADDRESS}/64", "nodad") if IS_IPV6 else (f"{ADDRESS}/24",)
    run("ip", "address", "add", *own, "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    # The kernel translates Service addresses only for packets that have a route.
    run("ip", "route", "add", SERVICES, "dev", BRIDGE, "src", ADDRESS)
    forwarding = "ipv6/conf/all/forwarding" if IS_IPV6 else "ipv4/ip_forward"
    Path("/proc/sys/net", forwarding).write_text("1")


def settings() -> dict[Path, str]:
    """Return the kernel settings that the kubelet changes, for `restore`."""
    files = [Path("/proc/sys", name) for name in _SYSCTLS]
    return {file: file.read_text() for file in files if file.exists()}


def restore(before: dict[Path, str]) -> None:
    """Restore kernel settings and remove empty control groups, which no namespace isolates."""
    for file, value in before.items():
        file.write_text(value)
    names = ("kubepods", "k8s.io")
    for root in (each for name in names for each in (*_CGROUPS.glob(f"*/{name}"), _CGROUPS / name)):
        folders = sorted((each for each in root.rglob("*") if each.is_dir()), reverse=True)
        for folder in (*folders, root):
            _remove(folder)


def _remove(group: Path) -> None:
    """Remove a control group; a process that was killed may take a moment to leave it."""
    deadline = time.monotonic() + GONE_SECONDS
    while group.is_dir():
        try:
            group.rmdir()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def run(*command: str) -> str:
    """Run a program and return what it printed.

    Raises:
        RuntimeError: It failed; with what it wrote.
    """
    return engine.run(*command).stdout


def release(scratch: Path) -> None:
    """Kill the remaining processes of the PID namespace; unmount what lies under the folder."""
    while others := _others():
        for pid in others:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.1)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (place := line.split()[1]).startswith(str(scratch)):
            with suppress(RuntimeError):  # gone with another one
                run("umount", "--lazy", place)


def _others() -> list[int]:
    """Return the other processes of this PID namespace, without the tests and their parent."""
    ours = {1, os.getpid(), os.getppid()}
    pids = [int(each.name) for each in Path("/proc").glob("[0-9]*")]
    return [pid for pid in pids if pid not in ours and _runs(pid)]


def _runs(pid: int) -> bool:
    """Whether a process is more than an entry that its parent has not read yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
