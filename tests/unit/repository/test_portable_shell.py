"""Commands of developers work with GNU Make 3.81 and bash 3.2, and with the tools of BSD.

macOS has these versions. CI runs newer ones, so the rules here stand in for them.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import checkout
from tests.service import FOLDER, ROOT

# Debian's alone: it calls apt-get.
DEBIAN = {".ci/packages"}
NEWER_MAKE = {
    r"^\.ONESHELL": "recipes in one shell (3.82)",
    r"^(override +)?define +\S+ *[:?+]?=": "define with an assignment (3.82)",
    r"^(private|undefine) ": "private and undefine (3.82)",
    r"^[\w.-]+ *!=": "assignment of a command's output (4.0)",
    r"^[\w.-]+ *:::?=": "::= and :::= (4.0, 4.4)",
    r"\$\((file|guile|let|intcmp) ": "functions of 4.x",
    r"--output-sync|-O(target|line|recurse)": "output-sync (4.0)",
    r"&:": "grouped targets (4.3)",
    r"^(load +[^:]|\.EXTRA_PREREQS|\.NOTINTERMEDIATE|\.WAIT)\b": "4.x",
    r"\$\(CURDIR\)|\$\(abspath|\$\(realpath": "an absolute path, which may have blanks",
}
NEWER_BASH = {
    r"\b(mapfile|readarray|coproc)\b": "4.0",
    r"\b(declare|local|typeset) +-[a-zA-Z]*[Ang]": "associative arrays, namerefs, -g (4.x)",
    r"\$\{\w+(\[[^]]*\])?(,,?|\^\^?|@[A-Za-z])": "case and transformation of a variable (4.x)",
    r"&>>|\|&|;;?&(?!&)": "&>>, |&, ;& (4.0)",
    r"\[\[ -v|\bwait -n\b": "4.2, 4.3",
    r"\bshopt -s (globstar|lastpipe|autocd)": "4.x",
    r"\$\{?(EPOCH(REAL)?SECONDS|BASHPID|SRANDOM)\b": "4.0, 5.0",
    r"\$\{\w+\[-\d": "negative subscripts (4.3)",
}
GNU_ONLY = {
    r"\bsed +(-[nEr]+ +)*-i(?=[ '\"])": "sed -i without a suffix",
    r"\bsed +-[nEs]*r": "sed -r (use -E)",
    r"\bsed\b.*s([/|,]).*\1.*\\[nt].*\1": r"\n in the replacement of sed",
    r"\breadlink +-[a-z]*[fem]|\brealpath\b": "readlink -f, realpath",
    r"\bdate +(-[dI]|--)": "date -d, -I",
    r"\bstat +(-c|--)": "stat -c",
    r"\bgrep +-[a-zA-Z]*P": "grep -P",
    r"\bxargs +-[a-z]*[rd]": "xargs -r, -d",
    r"\bmktemp +(-p|--)": "mktemp -p",
    r"\bpaste +-sd\S+ *[|)]": "paste without a file (BSD wants -)",
    r"\b(head|tail) +-n *[-+]?-\d": "head -n -N",
    r"\b(cp|ls|sort|find) +(-[a-zA-Z]* +)*--[a-z]": "long options",
    r"\bsort +-[a-z]*V": "sort -V",
    r"\bfind +-(name|type)": "find without a folder",
    r"(?<!-)\b(nproc|tac|timeout|setsid|flock|sha256sum|md5sum|truncate) +[\w/$-]": "Linux alone",
    r"\becho +-[en]": "echo -e, -n",
    r"/proc/": "/proc",
}


def scripts() -> list[str]:
    """Return the shell scripts that developers may run: by their first line or their name."""
    return [
        name
        for name in checkout.tracked()
        if name not in DEBIAN
        and (
            name.endswith(".sh") or re.match(rb"#!.*\b(ba|z)?sh\b", (ROOT / name).read_bytes()[:80])
        )
    ]


def refused(text: str, *rules: dict[str, str]) -> list[str]:
    """Return the lines against a rule, each with the reason."""
    return [
        f"{line.strip()}: {reason}"
        for line in text.splitlines()
        if not line.lstrip().startswith("#")
        for rule in rules
        for form, reason in rule.items()
        if re.search(form, line)
    ]


@pytest.mark.parametrize(
    "line",
    [
        "\tsed -i 's/a/b/' file",
        "\tsed -E 's/(.*)@(.*)/name=\\1\\ndigest=\\2/' file",
        "\tls services | paste -sd, | cat",
        "\tcd services/ports && exec $(CURDIR)/.venv/bin/gunicorn",
        "REVISION != git rev-parse HEAD",
        "\treadarray -t lines < file",
        "\techo ${name^^}",
        "\tdate -d yesterday",
        "\tgrep -oP 'a' file",
    ],
)
def test_the_check_finds_commands_that_macos_lacks(line: str) -> None:
    assert refused(line, NEWER_MAKE, NEWER_BASH, GNU_ONLY)


@pytest.mark.parametrize(
    "line",
    [
        "\tsed -n 's/^$(1): *//p' file",
        "\tsed -i.before 's/a/b/' file",
        "\tgrep -rl --include=x y .",
    ],
)
def test_the_check_accepts_commands_that_macos_has(line: str) -> None:
    assert refused(line, NEWER_MAKE, NEWER_BASH, GNU_ONLY) == []


def test_the_makefile_needs_nothing_newer_than_macos_has() -> None:
    text = (ROOT / "Makefile").read_text()
    assert refused(text, NEWER_MAKE, NEWER_BASH, GNU_ONLY) == []


def test_scripts_need_nothing_newer_than_macos_has() -> None:
    assert {".ci/run", "tools/propose", "platform/local/deploy.sh"} <= set(scripts())
    for name in scripts():
        assert refused((ROOT / name).read_text(), NEWER_BASH, GNU_ONLY) == [], name


def test_no_recipe_relies_on_shellflags_for_a_failure_within_a_loop() -> None:
    recipes = (ROOT / "Makefile").read_text().replace("\\\n", " ").splitlines()
    loops = [line for line in recipes if re.search(r"^\t.*\bfor \w+ in ", line)]
    assert loops
    assert [line for line in loops if not re.search(r"\|\| (exit|failed=1) *;\s*done", line)] == []
    lists = [line for line in recipes if line.startswith("\t") and "$(foreach" in line]
    assert lists
    assert [line for line in lists if not line.endswith(" &&) true")] == []


@pytest.fixture
def stand_ins(tmp_path: Path) -> Path:
    """Return a folder of programs that count their calls; FAILING fails at call number AT."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("python", "slo", "ruff", "mypy", "lint-imports", "uv", "diff"):
        program = folder / name
        program.write_text(
            f"""#!/bin/sh
[ "$FAILING" = {name} ] || exit 0
echo >> "{tmp_path}/calls"
[ $(wc -l < "{tmp_path}/calls") -ne "$AT" ]
"""
        )
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("target", "program", "calls"),
    [
        ("generate", "slo", 1),
        ("generate", "python", 11),
        ("check-generated", "slo", 2),
        ("check-generated", "diff", 12),
        ("lint", "ruff", 2),
        ("lint", "mypy", 1),
        ("lint", "lint-imports", 3),
        ("lock", "uv", 3),
    ],
)
def test_each_failure_within_a_recipe_stops_make_without_shellflags_too(
    tmp_path: Path, stand_ins: Path, target: str, program: str, calls: int
) -> None:
    """GNU Make 3.81 runs recipes without `-e`: only the last command's failure would count."""
    copy = tmp_path / "a copy"
    (copy / "requirements").mkdir(parents=True)
    for name in ("first", "second"):
        (copy / "requirements" / f"{name}.in").touch()
        shutil.copytree(FOLDER, copy / "services" / name, ignore=shutil.ignore_patterns("data"))
        # Contracts of its own, as a service from the template has.
        with (copy / "services" / name / "pyproject.toml").open("a") as project:
            project.write("[tool.importlinter]\n")
    for folder in ("docs/images", ".github", "platform/backstage/template"):
        (copy / folder).mkdir(parents=True)
    shutil.copy2(ROOT / "Makefile", copy)

    def make(at: int) -> int:
        counted = tmp_path / "calls"
        counted.write_text("")
        code = subprocess.run(
            ["make", ".SHELLFLAGS=-c", f"BIN={stand_ins}", "--old-file=.venv/.dev", target],
            cwd=copy,
            env={
                **{name: text for name, text in os.environ.items() if not name.startswith("MAKE")},
                "PATH": f"{stand_ins}:{os.environ['PATH']}",
                "FAILING": program,
                "AT": str(at),
            },
            capture_output=True,
            check=False,
            timeout=60,
        ).returncode
        assert len(counted.read_text()) == (at or calls)
        return code

    assert make(0) == 0
    assert 0 not in {make(at) for at in range(1, calls + 1)}


def test_no_test_writes_this_pythons_path_into_a_first_line() -> None:
    """A first line takes no blanks: tests.terminal.python_program() stands for it."""
    mark = "#!{" + "sys.executable"
    files = [name for name in checkout.tracked("tests/*.py") if mark in (ROOT / name).read_text()]
    assert files == []


def test_make_services_prints_the_folders_with_a_project(tmp_path: Path) -> None:
    for name in ("quays", "berths"):
        (tmp_path / "services" / name).mkdir(parents=True)
        (tmp_path / "services" / name / "pyproject.toml").touch()
    (tmp_path / "services/README.md").touch()
    (tmp_path / "services/left-over/__pycache__").mkdir(parents=True)
    shutil.copy2(ROOT / "Makefile", tmp_path)
    printed = subprocess.run(
        ["make", "--no-print-directory", "services"],
        cwd=tmp_path,
        env={**os.environ, "GITHUB_OUTPUT": str(tmp_path / "output")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed == 'services=["berths","quays"]\n' == (tmp_path / "output").read_text()
