"""The machine of the node: namespaces of this process's own, so that nothing outlives it."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from stack import kubernetes

ADDRESS: Final = "10.200.0.1"
BRIDGE: Final = "node0"
PODS: Final = "10.244.0.0/24"
PROGRAMS: Final = ("containerd", "ctr", "runc", "nft", "ip", "/usr/lib/cni/bridge")
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
    """Whether this process has a network namespace that nothing was done in yet."""
    return {name for _, name in socket.if_nameindex()} == {"lo"}


def prepare(scratch: Path) -> None:
    """Give the node an address, and folders of its own in the place of /run and /var.

    The kubelet refuses a loopback address, so the node's is that of a bridge.
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
    run("ip", "address", "add", f"{ADDRESS}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")
    # A Service's address is the kernel's to translate; without a route it would not be asked.
    run("ip", "route", "add", kubernetes.SERVICES, "dev", BRIDGE, "src", ADDRESS)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def settings() -> dict[Path, str]:
    """The machine's settings that the kubelet changes, to be given to `restore`."""
    files = [Path("/proc/sys", name) for name in _SYSCTLS]
    return {file: file.read_text() for file in files if file.exists()}


def restore(before: dict[Path, str]) -> None:
    """Undo what a namespace does not: settings of the whole machine, and empty control groups."""
    for file, value in before.items():
        file.write_text(value)
    for root in (*_CGROUPS.glob("*/kubepods"), *_CGROUPS.glob("*/k8s.io"), _CGROUPS / "kubepods"):
        folders = sorted((each for each in root.rglob("*") if each.is_dir()), reverse=True)
        for folder in (*folders, root):
            if folder.is_dir():
                folder.rmdir()


def run(*command: str) -> str:
    """Run a program and return what it printed.

    Raises:
        RuntimeError: It failed; with what it wrote.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def release(scratch: Path) -> None:
    """End what containers are left in these namespaces, and let go of their mounts."""
    for pid in _others():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        if (place := line.split()[1]).startswith(str(scratch)):
            run("umount", "--lazy", place)


def _others() -> list[int]:
    """Processes of this PID namespace that are neither these tests nor what started them."""
    ours = {1, os.getpid(), os.getppid()}
    return [int(each.name) for each in Path("/proc").glob("[0-9]*") if int(each.name) not in ours]
