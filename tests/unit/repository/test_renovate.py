"""Renovate proposes newer versions of everything that this repository pins.

`renovate-config-validator` cannot run here: its packages are half a gigabyte and want a newer Node.
These tests ask instead whether each pinned file is found, by the patterns that Renovate 44 has.
"""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests import checkout
from tests.service import ROOT

FILE = ".github/renovate.json"
CONFIGURATION: dict[str, Any] = json.loads((ROOT / FILE).read_text())
# `managerFilePatterns` of Renovate 44 where the configuration has none.
DEFAULTS = {
    "pep621": [r"(^|/)pyproject\.toml$"],
    "gomod": [r"(^|/)go\.mod$"],
    "npm": [r"(^|/)package\.json$"],
    "helmv3": [r"(^|/)Chart\.ya?ml$"],
    "helm-values": [r"(^|/)values\.ya?ml$"],
    "github-actions": [
        r"(^|/)(workflow-templates|\.(?:github|gitea|forgejo)/(?:workflows|actions))/.+\.ya?ml$",
        r"(^|/)action\.ya?ml$",
    ],
    "dockerfile": [r"(^|/|\.)([Dd]ocker|[Cc]ontainer)file$"],
    "devcontainer": [r"^.devcontainer/devcontainer.json$"],
}
# Files that pin a version, by their name or content, and the manager that reads them.
NAMES = {
    r"requirements/[^/]+\.(in|txt)": "pip-compile",
    r"(.*/)?pyproject\.toml": "pep621",
    r"(.*/)?go\.(mod|sum)": "gomod",
    r"(.*/)?package(-lock)?\.json": "npm",
    r"(.*/)?Dockerfile.*": "dockerfile",
}
CONTENT = {
    r"^ *- gomod: ": "ocb",
    r"^dependencies:\n +- name: ": "helmv3",
    r"^ +(- )?uses: [\w-]+/": "github-actions",
    r'^  "image": "': "devcontainer",
    r"^ +repository: \S+/\S+\n +tag: \S": "helm-values",
    r"^kind: Deployment$(?s:.*)^ +image: docker\.io/[\w./-]+:\d": "kubernetes",
}
# The root's is of development tools, and pins nothing.
PINS_NOTHING = {"pyproject.toml"}
# The options of uv that Renovate's pip-compile manager knows; it refuses others as unknown.
OPTIONS_OF_UV = {"--universal", "--generate-hashes", "--python-version", "--output-file"}


def patterns(manager: str) -> list[str]:
    given = CONFIGURATION.get(manager, {}).get("managerFilePatterns")
    return [each.strip("/") for each in given] if given else DEFAULTS[manager]


def found_by(manager: str, name: str) -> bool:
    return manager in CONFIGURATION["enabledManagers"] and any(
        re.search(pattern, name) for pattern in patterns(manager)
    )


def pinned() -> Iterator[tuple[str, str]]:
    """Yield each tracked file that pins versions, with the manager that is to read it."""
    for name in checkout.tracked():
        if name in PINS_NOTHING:
            continue
        for form, manager in NAMES.items():
            if re.fullmatch(form, name):
                yield name, manager
        if name.endswith((".yaml", ".yml", ".json")) and "/golden/" not in name:
            text = (ROOT / name).read_text()
            for form, manager in CONTENT.items():
                if re.search(form, text, re.MULTILINE):
                    yield name, manager


def read_beside(name: str) -> str:
    """Return the file that a manager finds this one by: a lock's is that which it locks."""
    locks = {".in": ".txt", "package-lock.json": "package.json", "go.sum": "go.mod"}
    for end, other in locks.items():
        if name.endswith(end):
            return name.removesuffix(end) + other
    return name


def test_every_file_that_pins_versions_is_read_by_a_manager() -> None:
    files = list(pinned())
    assert {manager for _, manager in files} == {
        manager for manager in CONFIGURATION["enabledManagers"] if manager != "custom.regex"
    }
    tracked = set(checkout.tracked())
    for name, manager in files:
        source = read_beside(name)
        assert source in tracked, f"{name} has no {source}"
        assert found_by(manager, source), f"{manager} does not find {source}"


def test_no_path_is_left_out_but_installed_packages() -> None:
    # The recommended preset would leave out tests/, where packages and modules are pinned too.
    assert "config:recommended" in CONFIGURATION["extends"]
    assert CONFIGURATION["ignorePaths"] == ["**/node_modules/**"]


@pytest.mark.parametrize("lock", checkout.tracked("requirements/*.txt"))
def test_a_lock_names_the_command_that_renovate_repeats(lock: str) -> None:
    header = (ROOT / lock).read_text().splitlines()[1]
    program, *rest = shlex.split(header.removeprefix("#"))
    assert [program, *rest[:2]] == ["uv", "pip", "compile"]
    options = {option: value for option, _, value in (word.partition("=") for word in rest[2:])}
    (source,) = [word for word in options if not word.startswith("-")]
    assert options.pop(source) == ""
    assert source == lock.removesuffix(".txt") + ".in"
    assert set(options) <= OPTIONS_OF_UV
    assert options["--output-file"] == lock
    assert options["--generate-hashes"] == ""


def images() -> Iterator[tuple[str, str]]:
    """Yield each version that an umbrella chart states where no manager looks, with its file."""
    for chart in checkout.tracked("platform/**/Chart.yaml"):
        stated = YAML(typ="safe").load(ROOT / chart)
        if not stated.get("dependencies"):
            continue
        yield chart, stated["appVersion"]
        values = chart.replace("Chart.yaml", "values.yaml")
        text = (ROOT / values).read_text()
        for version in re.findall(r"(?<!digest: )\btag: *[\"']?([\w.-]+)", text):
            if not re.search(rf"repository: \S+\n +tag: {re.escape(version)}", text):
                yield values, version


def test_every_version_of_an_umbrella_chart_is_read_once() -> None:
    read = sorted(
        (name, found)
        for manager in CONFIGURATION["customManagers"]
        for name in manager["managerFilePatterns"]
        for pattern in manager["matchStrings"]
        for found in re.findall(pattern.replace("(?<", "(?P<"), (ROOT / name).read_text())
    )
    stated = sorted(images())
    assert len(stated) >= 10
    assert read == stated


def test_the_module_of_each_go_tool_moves() -> None:
    (rule,) = [
        rule
        for rule in CONFIGURATION["packageRules"]
        if rule.get("matchManagers") == ["gomod"] and "matchPackageNames" in rule
    ]
    assert rule["enabled"]
    modules = set()
    for file in sorted((ROOT / "tools").glob("*/go.mod")):
        text = file.read_text()
        required = re.findall(r"^(?:require)?\s+([\w./-]+) v", text, re.MULTILINE)
        for path in re.findall(r"^(?:tool|\t)\s*([\w./-]+/[\w./-]+)$", text, re.MULTILINE):
            owners = [name for name in required if f"{path}/".startswith(f"{name}/")]
            modules |= {max(owners, key=len)} if owners else set()
    assert set(rule["matchPackageNames"]) == modules


def test_nothing_else_proposes_versions() -> None:
    assert checkout.tracked(".github/dependabot.*", "renovate.json*", ".renovaterc*") == []
    assert CONFIGURATION["extends"].count(":dependencyDashboard") == 1
    assert CONFIGURATION["schedule"]
