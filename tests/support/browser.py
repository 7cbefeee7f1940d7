"""Chromium, without a window and without internet."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.service import ROOT

SCRIPTS = ROOT / "tests" / "browser"
NAMES = ("chromium", "google-chrome", "chrome")
TIMEOUT_SECONDS = 100
DRIVEN_SECONDS = 240


def program() -> str:
    """Return the path of Chromium or Chrome.

    Raises:
        FileNotFoundError: none is installed.
    """
    for name in NAMES:
        if found := shutil.which(name):
            return found
    raise FileNotFoundError("Chromium is missing: install it (Debian: make packages)")


def rendered(url: str) -> str:
    """Return the page's document as HTML after its scripts ran, for a page on this machine."""
    return subprocess.run(
        [
            *(program(), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            "--virtual-time-budget=10000",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=True,
    ).stdout


def node(script: str, *arguments: str | Path) -> Any:
    """Run a script of tests/browser that drives Chromium; return what it printed as JSON."""
    done = subprocess.run(
        ["node", SCRIPTS / script, *arguments],
        env={**os.environ, "CHROMIUM": program()},
        capture_output=True,
        text=True,
        timeout=DRIVEN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
