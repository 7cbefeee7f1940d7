"""The same commands run in continuous integration, before a commit and on any machine."""

import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.checkout import devcontainer
from tests.service import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
LOCAL_ACTION = "./.github/actions/setup"
NEWCOMERS = {"test", "try-run"}
# Credentials of the bucket for the documentation.
BUCKET_KEYS = {"TECHDOCS_ACCESS_KEY_ID", "TECHDOCS_SECRET_ACCESS_KEY"}


def read(path: str) -> Any:
    return YAML(typ="safe").load(ROOT / path)


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in YAML(typ="safe").load(file)["jobs"].items():
            yield f"{file.name} {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step
    for step in read(f"{LOCAL_ACTION}/action.yml")["runs"]["steps"]:
        yield "set-up", step


@pytest.fixture(scope="module")
def menu() -> set[str]:
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  make ([a-z0-9-]+)", printed, re.MULTILINE))


def test_every_command_of_a_workflow_is_one_target_of_the_menu(menu: set[str]) -> None:
    commands = [(job, step["run"]) for job, step in steps() if "run" in step]
    assert len(commands) >= 6
    for job, command in commands:
        assert re.fullmatch(r"make ([a-z0-9-]+)( [A-Z_]+=\S+)*", command), f"{job}: {command}"
        assert command.split()[1] in menu, f"{job}: {command}"


def test_every_action_is_pinned_by_commit_with_its_version_beside_it() -> None:
    used = [(job, step["uses"]) for job, step in steps() if "uses" in step]
    assert used
    for job, action in used:
        assert action == LOCAL_ACTION or PINNED.fullmatch(action), f"{job}: {action}"
    for file in [*WORKFLOWS, ROOT / LOCAL_ACTION / "action.yml"]:
        for line in file.read_text().splitlines():
            assert "@" not in line or re.search(r"@[0-9a-f]{40} # v\d", line), f"{file}: {line}"


def test_one_action_has_one_commit_everywhere() -> None:
    used = {tuple(step["uses"].split("@")) for _, step in steps() if "@" in step.get("uses", "")}
    assert len({action for action, _ in used}) == len(used)


def test_every_job_says_what_it_may_do_and_how_long() -> None:
    for file in WORKFLOWS:
        assert YAML(typ="safe").load(file)["permissions"] == {}, file
        assert "concurrency" in YAML(typ="safe").load(file), file
    for name, job in jobs():
        assert "permissions" in job, name
        assert "timeout-minutes" in job, name


def test_no_job_holds_credentials_of_a_cluster() -> None:
    for file in WORKFLOWS:
        secrets = set(re.findall(r"secrets\.(\w+)", file.read_text()))
        assert secrets <= {"GITHUB_TOKEN", "DEPLOY_APP_KEY", *BUCKET_KEYS}, file
        assert not re.search("kubeconfig|kubectl|argocd", file.read_text(), re.IGNORECASE), file


def test_each_architecture_is_built_on_its_own_machine() -> None:
    release = read(".github/workflows/release.yml")["jobs"]
    makefile = (ROOT / "Makefile").read_text()
    (architectures,) = re.findall(r"^ARCHITECTURES := (.+)$", makefile, re.MULTILINE)
    assert release["image"]["strategy"]["matrix"]["arch"] == architectures.split()
    assert architectures.split() == ["amd64", "arm64"]
    assert "matrix.arch == 'arm64' && 'ubuntu-24.04-arm'" in release["image"]["runs-on"]
    # The pull request proposes the image of both, by digest.
    assert "index" in release["propose"]["needs"]


def test_the_github_app_opens_the_deploy_pull_request() -> None:
    """A pull request of GITHUB_TOKEN starts no workflow; the page explains how to make the app."""
    steps = read(".github/workflows/release.yml")["jobs"]["propose"]["steps"]
    (app,) = (step for step in steps if step.get("id") == "app")
    (propose,) = (step for step in steps if step.get("run") == "make propose")
    assert propose["env"]["GH_TOKEN"].startswith("${{ steps.app.outputs.token ||")
    granted = {key: text for key, text in app["with"].items() if key.startswith("permission-")}
    assert granted == {"permission-contents": "write", "permission-pull-requests": "write"}
    page = (ROOT / "docs/gitops.md").read_text()
    used = set(re.findall(r"(?:vars|secrets)\.(DEPLOY_\w+)", str(steps)))
    assert used == {"DEPLOY_APP_ID", "DEPLOY_APP_KEY"}
    assert all(f"`{name}`" in page for name in used)


def test_a_fresh_copy_publishes_no_documentation() -> None:
    assert read(".github/workflows/docs.yml")["on"] == {"push": {"branches": ["main"]}}
    for job in read(".github/workflows/docs.yml")["jobs"].values():
        assert job["if"] == "vars.TECHDOCS_BUCKET != ''"
    environment = {key: value for key, value in os.environ.items() if "TECHDOCS" not in key}
    done = subprocess.run(
        ["make", "publish-docs"],
        cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "TECHDOCS_BUCKET is empty: must be the name of a bucket" in done.stderr


def test_the_page_names_each_variable_and_secret_of_the_documentation_workflow() -> None:
    workflow = (ROOT / ".github/workflows/docs.yml").read_text()
    page = (ROOT / "docs/how-to/register-the-catalog.md").read_text()
    used = set(re.findall(r"(?:vars|secrets)\.(\w+)", workflow))
    assert used > BUCKET_KEYS
    assert {name for name in used if f"`{name}`" not in page} == set()


def test_pre_commit_hooks_equal_the_lint_job() -> None:
    (local,) = read(".pre-commit-config.yaml")["repos"]
    assert local["repo"] == "local"  # nothing is fetched
    lint = [step["run"] for step in read(".github/workflows/ci.yml")["jobs"]["lint"]["steps"][2:]]
    assert sorted(hook["entry"] for hook in local["hooks"]) == sorted(lint)


def test_continuous_integration_here_and_there_runs_the_same(menu: set[str]) -> None:
    here = set(re.findall(r"^ *make ([a-z0-9-]+)", (ROOT / ".ci/run").read_text(), re.MULTILINE))
    ci = (ROOT / ".github/workflows/ci.yml").read_text()
    there = set(re.findall(r"run: make ([a-z0-9-]+)", ci))
    # `.ci/run` runs it only where Tilt is on the PATH. No job of ci.yml installs Tilt.
    here.remove("e2e-tilt")
    # `make test-newcomer` types in a clean root what the matrix runs on many systems.
    assert here - {"setup"} == there - {"packages", *NEWCOMERS}, (
        "a target of .ci/run is in no job of ci.yml, or the reverse"
    )
    assert there <= menu
    assert there >= NEWCOMERS


def test_the_devcontainer_is_a_workstation_with_tools_that_are_pinned(menu: set[str]) -> None:
    command = devcontainer()["postCreateCommand"]
    assert re.findall(r"make ([a-z-]+)", command) == ["workstation", "setup"]
    assert {"workstation", "setup"} <= menu
    (tools,) = re.findall(r"TOOLS='(.+?)'", command)
    for tool in tools.split():
        assert (ROOT / "tools" / tool / "go.mod").is_file(), tool
