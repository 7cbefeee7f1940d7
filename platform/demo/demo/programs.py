"""Programs that the demo runs."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from demo.errors import DemoError

TAIL_LINES: Final = 12


def run(
    *command: str, cwd: Path | None = None, stdin: str = "", env: Mapping[str, str] | None = None
) -> str:
    """Run a program and return what it printed on stdout.

    Args:
        command: Program and arguments; no shell reads them.
        cwd: The folder that it runs in.
        stdin: Text for its standard input.
        env: Variables beside those of this process.

    Raises:
        DemoError: It is missing or failed; with the end of its output.
    """
    try:
        done = subprocess.run(  # noqa: S603 - separate words, no shell
            command,
            cwd=cwd,
            input=stdin,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise DemoError(f"{command[0]} is missing: install it") from error
    if done.returncode != 0:
        # Ansible prints failures on stdout.
        told = (done.stdout + done.stderr).strip().splitlines()[-TAIL_LINES:]
        words = " ".join([Path(command[0]).name, *command[1:3]])
        raise DemoError("\n    ".join([f"{words} (exit code {done.returncode})", *told]))
    return done.stdout


def need(*names: str) -> None:
    """Check that programs are on the PATH.

    Raises:
        DemoError: One is missing.
    """
    if missing := [name for name in names if shutil.which(name) is None]:
        raise DemoError(f"{' and '.join(missing)}: not on the PATH; install {missing[0]}")
