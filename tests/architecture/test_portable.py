"""Python that developers run calls nothing that Linux alone has, unless it does without it too."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import checkout
from tests.service import ROOT

# Product code, and what `make setup`, `make run` and `make test` run.
FOLDERS = (
    "packages", "services", "platform/slo", "platform/sizing", "platform/stack", "platform/promote",
    "platform/demo",
    "tools",
    ":(glob)tests/*.py", "tests/architecture", "tests/unit", "tests/contract", "tests/integration",
)  # fmt: skip
# Names of Python that exist on Linux and not on macOS, by module.
LINUX_ONLY = {
    "os": {
        "CLONE_NEWNS", "GRND_NONBLOCK", "O_DIRECT", "O_NOATIME", "O_PATH", "O_TMPFILE",
        "P_PIDFD", "copy_file_range", "eventfd", "fdatasync", "getrandom", "getresgid",
        "getresuid", "getxattr", "listxattr", "memfd_create", "pidfd_open", "pipe2",
        "posix_fadvise", "posix_fallocate", "removexattr", "sched_getaffinity", "sched_getparam",
        "sched_getscheduler", "sched_setaffinity", "sched_setparam", "sched_setscheduler",
        "setns", "setresgid", "setresuid", "setxattr", "splice", "unshare",
    },
    "socket": {
        "AF_ALG", "AF_NETLINK", "AF_PACKET", "AF_VSOCK", "MSG_CMSG_CLOEXEC", "MSG_CONFIRM",
        "MSG_ERRQUEUE", "MSG_MORE", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "SO_BINDTODEVICE",
        "SO_DOMAIN", "SO_INCOMING_CPU", "SO_MARK", "SO_PASSCRED", "SO_PEERCRED", "SO_PRIORITY",
        "SO_PROTOCOL", "TCP_CONGESTION", "TCP_CORK", "TCP_DEFER_ACCEPT", "TCP_INFO", "TCP_KEEPIDLE",
        "TCP_LINGER2", "TCP_QUICKACK", "TCP_SYNCNT", "TCP_USER_TIMEOUT", "TCP_WINDOW_CLAMP",
    },
    "signal": {
        "SIGCLD", "SIGPOLL", "SIGPWR", "SIGRTMAX", "SIGRTMIN", "SIGSTKFLT", "pidfd_send_signal",
        "sigtimedwait", "sigwaitinfo",
    },
    "select": {"epoll"},
    "selectors": {"EpollSelector"},
    "fcntl": {"F_ADD_SEALS", "F_OFD_SETLK", "F_OFD_SETLKW", "F_SETPIPE_SZ"},
    "mmap": {"MAP_POPULATE", "MADV_HUGEPAGE", "MADV_DONTFORK"},
    "time": {"CLOCK_BOOTTIME", "CLOCK_TAI", "pthread_getcpuclockid"},
    "resource": {"RLIMIT_MSGQUEUE", "RLIMIT_NICE", "RLIMIT_RTPRIO", "prlimit"},
}  # fmt: skip
EVERY = {name for module in LINUX_ONLY.values() for name in module}
PATHS = ("/proc/", "/sys/", "/dev/shm")  # noqa: S108 -- names of folders, not files in them
# These files have a Linux path, and a test that takes it away.
DOES_WITHOUT = {
    "packages/service/service/gunicorn/__init__.py": "/dev/shm",  # noqa: S108
    "packages/telemetry/telemetry/output.py": "/proc/",
}
HERE = str(Path(__file__).relative_to(ROOT))
OF_THE_SHELL = "tests/unit/repository/test_portable_shell.py"


def _uses(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.attr in LINUX_ONLY.get(node.value.id, ()):
            yield node.attr
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            if alias.name in LINUX_ONLY.get(node.module or "", ()):
                yield alias.name


def _asked(node: ast.AST) -> set[str]:
    """Return the names that this node asks for, on behalf of what is within it."""
    around: list[ast.AST] = []
    if isinstance(node, ast.If | ast.IfExp):
        around = [node.test]
    elif isinstance(node, ast.Try):
        around = [each.type for each in node.handlers if each.type is not None]
    elif isinstance(node, ast.FunctionDef | ast.ClassDef):
        around = [*node.decorator_list]
    elif isinstance(node, ast.Module):
        around = [each for each in node.body if isinstance(each, ast.Assign)]
    asked: set[str] = set()
    for each in (each for one in around for each in ast.walk(one)):
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name):
            if each.func.id == "hasattr" or (each.func.id == "getattr" and len(each.args) > 2):
                asked |= {str(one.value) for one in each.args if isinstance(one, ast.Constant)}
        elif isinstance(node, ast.Try) and isinstance(each, ast.Name):
            asked |= EVERY if each.id == "AttributeError" else set()
    return asked


def _found(node: ast.AST, asked: set[str]) -> Iterator[str]:
    yield from (name for name in _uses(node) if name not in asked)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from (path for path in PATHS if node.value.startswith(path))
    asked = asked | _asked(node)
    for child in ast.iter_child_nodes(node):
        yield from _found(child, asked)


def linux_only(source: str) -> list[str]:
    """Return what the code uses of Linux alone without asking for it.

    The question stands around the use: in the condition, the `try`, or the function's decorators.
    A question in a module's own assignment, as that of a mark, counts for the whole module.
    """
    return list(_found(ast.parse(source), set()))


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("import os\nos.sched_setaffinity(0, {1})", ["sched_setaffinity"]),
        ("from os import memfd_create", ["memfd_create"]),
        ("import select\nselect.epoll()", ["epoll"]),
        ("from pathlib import Path\nPath(f'/proc/{1}/maps').read_text()", ["/proc/"]),
        ("import os\nif hasattr(os, 'pipe2'):\n    os.getrandom(1)", ["getrandom"]),
        ("import os\nif hasattr(os, 'getrandom'):\n    os.getrandom(1)", []),
        ("import os\ntry:\n    os.pipe2(0)\nexcept AttributeError:\n    os.pipe()", []),
        ("import os\ntry:\n    os.pipe2(0)\nexcept OSError:\n    os.pipe()", ["pipe2"]),
        ("import os\nx = mark(hasattr(os, 'pipe2'))\n\n@x\ndef f():\n    os.pipe2(0)", []),
        ("import socket\nsocket.MSG_DONTWAIT", []),
    ],
)
def test_uses_of_linux_alone_are_recognized(source: str, names: list[str]) -> None:
    assert linux_only(source) == names


def test_python_that_developers_run_needs_no_linux() -> None:
    files = [name for name in checkout.tracked(*FOLDERS) if name.endswith(".py")]
    files = [
        name for name in files if name not in {HERE, OF_THE_SHELL} and "/skeleton/" not in name
    ]
    assert len(files) > 150
    found = {name: uses for name in files if (uses := linux_only((ROOT / name).read_text()))}
    assert found == {name: [path] for name, path in DOES_WITHOUT.items()}
