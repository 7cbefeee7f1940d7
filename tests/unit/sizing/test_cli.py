import json
import re

import pytest
from sizing import figures
from sizing.cli import main
from stack import values

from tests.service import ROOT

PAGE = ROOT / "docs/sizing.md"


def test_the_table_names_each_component_and_the_profile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--services", "2"]) == 0
    printed = capsys.readouterr().out
    for component in ("prometheus", "jaeger", "loki", "gateway", "agent"):
        assert re.search(rf"^{component} +1( +[\d,]+){{4}}$", printed, re.MULTILINE)
    assert "scaled" not in printed
    assert printed.endswith("profile: single\n")


def test_json_has_the_numbers_of_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--services", "1000", "--requests", "0.5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rates"]["pods"] == 2000
    assert found["profiles"]["single"]["prometheus"]["lacks"] == ["memory", "disk"]
    assert found["profiles"]["scaled"]["metrics"]["memory_limit_bytes"] is None
    assert found["profile"] == "scaled"


def test_a_load_for_scaled_shows_each_replica_and_each_bucket(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--services", "200", "--replicas", "3", "--requests", "0.1"]) == 0
    printed = capsys.readouterr().out
    single, _, scaled = printed.partition("\nscaled ")
    assert re.search(r"^prometheus +1 .* memory, disk$", single, re.MULTILINE)
    assert re.search(r"^prometheus +2( +[\d,]+){4}$", scaled, re.MULTILINE)
    assert re.search(r"^metrics +1 +0 +- +[\d,]+ +-$", scaled, re.MULTILINE)
    assert re.search(r"^jaeger .* measurement$", scaled, re.MULTILINE)
    assert printed.endswith("profile: scaled\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--services", "0"],
        ["--services", "x"],
        ["--other-series", "-1"],
        ["--requests", "-1"],
        ["--requests", "x"],
        ["--requests", "nan"],
        ["--spans", "inf"],
    ],
)
def test_a_wrong_number_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"{arguments[1]}: must be a" in capsys.readouterr().err


def test_help_names_each_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert f"series of each pod (default: {figures.POD_SERIES.value:g})" in printed


def test_the_rules_of_a_service_are_as_many_as_the_compiler_writes() -> None:
    rules = values.read(values.GENERATED / "ports/rules.yaml")["groups"]
    recorded = [rule for group in rules for rule in group["rules"] if "record" in rule]
    assert len(recorded) == figures.RULES_SERIES.value


def test_the_page_has_each_figure() -> None:
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    told = {row[0].removeprefix("| "): row[1] for row in rows if len(row) > 2}
    for figure in figures.FIGURES.values():
        assert told.get(figure.meaning) == f"{figure.value:,g} {figure.unit}", figure.meaning
