"""uv, with the package index and the certificate that pip uses, as `tools/install` calls it."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
_UV = Path(sys.executable).with_name("uv")


@cache
def _environment() -> dict[str, str]:
    """Return this process's environment; uv does not read pip's configuration."""
    handed_on = {
        "UV_DEFAULT_INDEX": ("PIP_INDEX_URL", "index-url"),
        "SSL_CERT_FILE": ("PIP_CERT", "cert"),
    }
    found = {"UV_SYSTEM_CERTS": "true"}
    for name, (variable, key) in handed_on.items():
        if value := os.environ.get(variable) or _configured(key):
            found[name] = value
    return found | os.environ


def _configured(key: str) -> str:
    command = [sys.executable, "-m", "pip", "config", "get", f"global.{key}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def uv(*arguments: object) -> None:
    """Run uv in the repository's root; its words are in the error if it fails."""
    run(_UV, *arguments, env=_environment())


def run(*command: object, env: dict[str, str] | None = None) -> None:
    """Run a program in the repository's root.

    Raises:
        AssertionError: It failed; with what it wrote.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
