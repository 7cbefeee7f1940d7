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
from tests.documentation import blocks, commands, on_a_cluster, pages
from tests.service import ROOT

CLUSTER = ("argocd", "helm", "kubectl", "tilt")
# Tests that run the commands that need a cluster. A page lists the commands that no test runs.
ON_A_CLUSTER = {
    r"tilt up": "tests/node/test_tilt.py",
    r"kubectl (--namespace \S+ )?(get (?!--raw)|describe |apply |create token ).*": (
        "tests/cluster/test_pages.py"
    ),
    r"kubectl .*(delete|patch) (application|namespace) .*": "tests/cluster/test_removal.py",
    r"kubectl .*(delete (deployment|rollout)|patch rollout) ports( .*)?": (
        "tests/rollouts/test_verdicts.py"
    ),
    r"kubectl delete validatingwebhookconfigurations .*": "tests/admission/test_signatures.py",
    r"kubectl .* (logs|port-forward|get --raw|debug) .*": "tests/node/test_pages.py",
    r"helm test .*": "tests/node/test_service.py",
}
NOT_RUN = "docs/e2e.md"
# Commands that a test of their own runs, because they need something beside them or do not end.
# A test finds the words of each in the file that stands for it here.
ELSEWHERE = {
    r"make (run|run-jaeger|stack|load|panels)": "tests/e2e/test_commands.py",
    r"make (test|run STORE=postgresql)": "tests/newcomer/test_newcomer.py",
    r"make gameday": ".github/workflows/nightly.yml",
    r"make (generate|new-service .*)": "tests/golden_path/conftest.py",
    r"make (run SERVICE|remove-service NAME)=port-calls": "tests/golden_path/test_golden_path.py",
    r"make build": "tests/platform/image/engine.py",
    r"make deploy": "tests/cluster/test_local.py",
    r"make (demo|demo-change|demo-down)( .*)?": "tests/demo/test_demo.py",
    r"make cluster .*": "tests/cluster/conftest.py",
    r"(make promote|git push) .*": "tests/cluster/test_promotion.py",
    r"make verdict .*": "tests/rollouts/delivery.py",
    r"make demo(-change|-down| .*)?": "tests/demo/test_demo.py",
    r"slo gate .*": "tests/platform/slo/test_gate.py",
    r"slo verify .*": "tests/platform/slo/test_verify.py",
    r"slo report .*": "tests/platform/slo/test_report.py",
    r"curl .*localhost:8080/.*": "tests/e2e/test_readme.py",
}
# A test types all commands of this page in their order.
TUTORIAL = ("docs/tutorial.md", "tests/e2e/test_commands.py")
# A game day runs blocks with these addresses unchanged, each during its fault. They are in the
# runbooks that alerts name, and on one more page.
ON_A_GAME_DAY = re.compile(r'curl .*"\$(SERVICE|JAEGER|PROMETHEUS|ALERTMANAGER)/.*')
WATCHDOG = ("docs/slo.md", "tests/gameday/test_pipeline.py")
# Commands that this module may run in the repository's root: they change no committed file.
HERE = (
    r"(\.venv/bin/)?slo (validate|check|explain --service ports|generate( --scale .*)?)",
    r"make size ARGS=.*",
    r"(export PORTS_STORE_URL=.*|cd services/ports|\.\./\.\./\.venv/bin/python manage\.py .*)",
)
POSTGRES = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"


def of_continuous_integration() -> set[str]:
    """Return the commands that .ci/run runs."""
    return set(re.findall(r"^make [^>\n]*[^>\s]", (ROOT / ".ci/run").read_text(), re.MULTILINE))


def run_elsewhere(command: str) -> str | None:
    """Return the test that runs a command, or None if this module runs it."""
    if command in of_continuous_integration():
        return ".ci/run"
    if ON_A_GAME_DAY.fullmatch(command):
        return "tests/gameday"
    return next((where for form, where in ELSEWHERE.items() if re.fullmatch(form, command)), None)


def runnable() -> list[tuple[str, list[str]]]:
    """Return each block's commands that this module runs, with their page."""
    found = []
    for block in blocks():
        if not block.needs_cluster and block.page != TUTORIAL[0]:
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


@pytest.mark.parametrize(("page", "command"), on_a_cluster())
def test_a_command_for_a_cluster_is_run_by_a_test_or_listed(page: str, command: str) -> None:
    found = [where for form, where in ON_A_CLUSTER.items() if re.fullmatch(form, command)]
    assert all((ROOT / where).is_file() for where in found)
    listed = (
        (ROOT / NOT_RUN).read_text().split("## Which commands of the pages does no test run?")[1]
    )
    assert len(found) == (0 if f"`{command}`" in listed else 1), f"{page}: {command}"


def test_every_other_command_is_run_somewhere() -> None:
    for page, script in runnable():
        for command in script:
            assert any(re.fullmatch(form, command) for form in HERE), (
                f"{page}: no test runs `{command}`; name one in ELSEWHERE, or let it be run HERE"
            )


def beginning(command: str) -> str:
    """Return the words that say which command it is: program and target, or the program alone."""
    program, *rest = command.split()
    return f"{program} {rest[0]}" if program in {"git", "make", "slo"} else program


@pytest.mark.parametrize(("form", "where"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_a_command_is_named_where_it_is_said_to_be_run(form: str, where: str) -> None:
    every = {
        command for block in blocks() if block.page != TUTORIAL[0] for command in commands(block)
    }
    matching = [command for command in every if re.fullmatch(form, command)]
    assert matching, "no page has such a command any more"
    code = (ROOT / where).read_text()
    for command in matching:
        words = re.escape(beginning(command))
        assert re.search(rf"{words}(?![\w-])", code), f"{where} does not run `{command}`"


def test_the_tutorial_is_typed_by_a_test_and_needs_no_cluster() -> None:
    page, where = TUTORIAL
    assert [block.needs_cluster for block in blocks() if block.page == page].count(False) > 5
    assert f'"{page}"' in (ROOT / where).read_text()


def test_blocks_with_addresses_stand_where_a_game_day_runs_them() -> None:
    pages = {block.page for block in blocks() if any(map(ON_A_GAME_DAY.fullmatch, commands(block)))}
    page, where = WATCHDOG
    assert {each for each in pages if "/runbooks/" not in each} == {page}
    assert page in (ROOT / where).read_text()


def test_every_make_target_that_a_page_names_is_in_the_menu() -> None:
    menu = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^  make ([a-z0-9-]+)", menu, re.MULTILINE))
    named = {
        (str(page.relative_to(ROOT)), target)
        for page in pages()
        for target in re.findall(r"(?:`|^\s*)make ([a-z0-9-]+)", page.read_text(), re.MULTILINE)
    }
    assert {("README.md", "run"), ("CONTRIBUTING.md", "setup")} <= named
    assert {(page, target) for page, target in named if target not in targets} == set()


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
