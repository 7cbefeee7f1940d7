"""`workstation.yml`, for real, in a Debian that has nothing yet but Python."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.cluster.programs import recap, run
from tests.cluster.repository import ROOT, tracked

# The smallest of the pinned tools, fetched and built in there with the Go that was installed.
TOOL: Final = "kubeconform"
# Authorities that this machine trusts beside Debian's: where a proxy signs, all depends on it.
AUTHORITIES: Final = Path("/usr/local/share/ca-certificates")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The root of a Debian system with a checkout in /src."""
    assert os.geteuid() == 0, "a root file system is made and entered by root alone"
    root = tmp_path_factory.mktemp("machine") / "root"
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3", "bookworm", str(root))
    shutil.copytree(AUTHORITIES, root / AUTHORITIES.relative_to("/"), dirs_exist_ok=True)
    for name in tracked():
        (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / "src" / name)
    run("mount", "-t", "proc", "proc", str(root / "proc"))
    try:
        yield root
    finally:
        run("umount", str(root / "proc"))
        shutil.rmtree(root)


def playbook(root: Path, *flags: str) -> dict[str, int]:
    """Run the playbook against a root, and return its counts."""
    command = (str(ROOT / ".venv-ansible/bin/ansible-playbook"), f"--inventory={root},")
    chosen = f'{{"workstation_repository": "/src", "workstation_tools": ["{TOOL}"]}}'
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
