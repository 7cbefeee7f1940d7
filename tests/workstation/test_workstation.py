"""`workstation.yml`, for real, in a Debian that has nothing but Python; and the devcontainer."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests import checkout, terminal
from tests.cluster.programs import recap, run
from tests.service import ROOT
from tests.support.debian import debian

# The smallest of the pinned tools, fetched and built in there with the Go that was installed.
TOOL: Final = "kubeconform"
CACHE: Final = Path(
    os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "ports-platform/tools"
)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a Debian system with a checkout in /src."""
    with debian(tmp_path_factory.mktemp("machine") / "root", "python3") as root:
        checkout.copy_to(root / "src")
        yield root


def playbook(root: Path, *flags: str) -> dict[str, int]:
    """Run the playbook against a root, and return its counts."""
    command = (str(ROOT / ".venv-ansible/bin/ansible-playbook"), f"--inventory={root},")
    chosen = f'{{"workstation_repository": "/src", "workstation_tools": "{TOOL}"}}'
    connection = ("--connection=community.general.chroot", "--extra-vars", chosen)
    env = {"ANSIBLE_NOCOLOR": "1"}
    folder = ROOT / "platform/ansible"
    return recap(run(*command, *connection, *flags, "workstation.yml", cwd=folder, env=env))


def test_a_check_on_a_bare_system_changes_nothing(machine: Path) -> None:
    counts = playbook(machine, "--check")
    assert counts["failed"] == 0
    assert counts["changed"] > 0, "it tells what it would do"
    assert not (machine / "opt/ports-platform").exists()
    assert not (machine / "usr/bin/git").exists()


def test_a_run_makes_a_workstation_whose_tool_works(machine: Path) -> None:
    counts = playbook(machine)
    assert (counts["changed"] > 0, counts["failed"]) == (True, 0)
    told = subprocess.run(
        ["chroot", str(machine), TOOL, "-v"], check=True, capture_output=True, text=True
    )
    print(f"  {TOOL} built in there says {told.stdout.strip() or told.stderr.strip()}")
    for program in ("git", "make", "go", "etcd", "redis-server", "openssl"):
        found = ["chroot", str(machine), "sh", "-c", f"command -v {program}"]
        subprocess.run(found, check=True, capture_output=True)


def test_a_second_run_changes_nothing(machine: Path) -> None:
    counts = playbook(machine)
    assert (counts["changed"], counts["failed"]) == (0, 0)


def test_a_changed_lock_is_noticed_and_brings_go_anew(machine: Path) -> None:
    lock = machine / "opt/ports-platform/workstation.txt"
    lock.write_text(lock.read_text() + "# changed\n")
    counts = playbook(machine, "--check")
    assert counts["changed"] > 0


# Where the devcontainer has the checkout.
WORKSPACE: Final = "workspaces/ports-platform"
USER: Final = "node"  # of its image, with sudo


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Path]:
    """A Debian of the image's release with less than the image: what the commands there need.

    Tools that were built here before lie in the cache of its checkout, as after a rebuild.
    """
    assert checkout.devcontainer()["image"].endswith("-bookworm")
    packages = ("ca-certificates", "git", "make", "python3", "sudo")
    with debian(tmp_path / "root", *packages) as root:
        checkout.copy_to(root / WORKSPACE)
        cache = root / WORKSPACE / ".cache/ports-platform/tools"
        for tool in (CACHE / "tools").glob("[!.]*"):
            if tool.name.startswith(("actionlint-", "helm-", "kind-")):
                shutil.copytree(tool, cache / tool.name)
        enter = ("chroot", str(root))
        run(*enter, "update-ca-certificates")
        run(*enter, "useradd", "--create-home", USER)
        (root / "etc/sudoers.d" / USER).write_text(f"{USER} ALL=(root) NOPASSWD: ALL\n")
        run(*enter, "chown", "--recursive", f"{USER}:", f"/{WORKSPACE}")
        yield root


def test_the_devcontainers_command_makes_a_workstation_of_it(container: Path) -> None:
    said = checkout.devcontainer()
    given = {"HOME": f"/home/{USER}", "USER": USER}
    for name, text in said["containerEnv"].items():
        given[name] = text.replace("${containerWorkspaceFolder}", f"/{WORKSPACE}")

    def typed(command: str) -> str:
        enter = ("chroot", f"--userspec={USER}:", str(container), "bash", "-c")
        entered = shlex.join((*enter, f"cd /{WORKSPACE} && {command}"))
        return terminal.run(entered, seconds=900, env=given)

    typed("git init --quiet")
    for command in said["postCreateCommand"].split(" && "):
        start = time.monotonic()
        typed(command)
        print(f"  {time.monotonic() - start:5.1f} s  {command}")
    assert (container / WORKSPACE / ".git/hooks/pre-commit").is_file()
    for tool in ("actionlint -version", "helm version --short", "kind version"):
        print(f"  {tool.split()[0]} in there says {typed(tool).splitlines()[0]}")
    assert "Print this menu" in typed("make")
    typed("make check-generated")
