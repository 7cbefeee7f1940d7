"""Every command that the documentation tells people to type is run: by .ci/run, by a test, or here.

A command is run here only if its form is listed: what a page says may change a machine.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres
from tests.documentation import blocks, commands
from tests.service import ROOT

CLUSTER = ("argocd", "helm", "kubectl", "tilt")
# Commands that a test of their own runs, because they need something beside them or do not end.
ELSEWHERE = {
    r"make run( SERVICE=port-calls)?": "tests/golden_path/test_golden_path.py",
    r"make (generate|new-service .*)": "tests/golden_path/test_golden_path.py",
    r"make gameday": ".github/workflows/nightly.yml",
    # Blocks of runbooks, which a game day runs as they stand.
    r"curl .*\$(SERVICE|JAEGER|PROMETHEUS|ALERTMANAGER)/.*": "tests/gameday/runbook.py",
    r"(--data-urlencode|grep -o) .*": "tests/gameday/runbook.py",
    r"curl .*": "tests/integration/seaports/test_readme.py",
    r"slo gate .*": "tests/platform/slo/test_gate.py",
    # Of these a test runs what is behind them, by the same code, but not in these words: they wait
    # for a person, or for a cluster or a remote that is the reader's own.
    r"make build": "tests/platform/image/test_image.py",
    r"make deploy": "tests/platform/local/test_local.py",
    r"make cluster .*": "tests/cluster/test_bootstrap.py",
    r"(make promote|git push -u origin promote/).*": "tests/cluster/test_promotion.py",
    r"make (stack|run-jaeger|load|panels)": "tests/e2e/conftest.py",
}
# Commands of runbooks are run by the game day, on the fault that each is for.
RUNBOOKS = "tests/gameday"
# What may be run here, from the repository's root: it changes nothing that is committed.
HERE = (
    r"(\.venv/bin/)?slo (validate|check|explain --service ports|generate( --scale .*)?)",
    r"(export PORTS_STORE_URL=.*|cd services/ports|\.\./\.\./\.venv/bin/python manage\.py .*)",
)
POSTGRES = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"


def of_continuous_integration() -> set[str]:
    """Return the commands that .ci/run runs."""
    return set(re.findall(r"^make .*$", (ROOT / ".ci/run").read_text(), re.MULTILINE))


def run_elsewhere(command: str) -> str | None:
    """Return where a command is run, or None if it is to be run here."""
    if command in of_continuous_integration():
        return ".ci/run"
    return next((where for form, where in ELSEWHERE.items() if re.fullmatch(form, command)), None)


def runnable() -> list[tuple[str, list[str]]]:
    """Return each block's commands that are to be run here, with their page."""
    found = []
    for block in blocks():
        if not block.needs_cluster and "/runbooks/" not in block.page:
            left = [each for each in commands(block) if run_elsewhere(each) is None]
            found += [(block.page, left)] if left else []
    return found


def run(script: list[str], **variables: str) -> str:
    """Run commands one after the other, as in a terminal in the repository's root."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(script)],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        | variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_commands_for_a_cluster_are_marked_as_needing_one() -> None:
    marked = [block for block in blocks() if block.needs_cluster]
    assert marked
    for block in marked:
        for command in commands(block):
            assert command.split()[0] in CLUSTER, f"{block.page}: {command}"


def test_every_other_command_is_run_somewhere() -> None:
    for page, script in runnable():
        for command in script:
            assert any(re.fullmatch(form, command) for form in HERE), (
                f"{page}: no test runs `{command}`; name one in ELSEWHERE, or let it be run HERE"
            )


def test_where_a_command_is_said_to_be_run_there_is_such_a_file() -> None:
    assert [path for path in (*ELSEWHERE.values(), RUNBOOKS) if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(script, id=page)
        for page, script in runnable()
        if all(re.fullmatch(HERE[0], command) for command in script)
    ],
)
def test_the_commands_of_a_page_succeed(script: list[str], tmp_path: Path) -> None:
    run([command.replace("DIR", str(tmp_path / "output")) for command in script])


def test_the_commands_for_postgresql_succeed_on_a_real_server(postgres_server: str) -> None:
    (script,) = (script for _, script in runnable() if any(POSTGRES in each for each in script))
    url = postgres.new_database(postgres_server, "ports_documentation")
    run([command.replace(POSTGRES, f"'{url}'") for command in script])
