"""Programs that the scenarios run."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def run(
    *command: str, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
) -> str:
    """Run a program that must succeed, and return what it printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (
        f"{command} exited with {done.returncode}:\n{done.stdout[-6000:]}{done.stderr[-3000:]}"
    )
    return done.stdout


def recap(output: str) -> dict[str, int]:
    """Counts of a playbook's last line: ok, changed, failed and the others."""
    counts = output.rstrip().rsplit("\n", 1)[-1].split(":", 1)[1].split()
    return {name: int(number) for name, number in (count.split("=") for count in counts)}
