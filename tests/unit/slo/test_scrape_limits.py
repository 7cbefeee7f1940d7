from pathlib import Path

import pytest
from slo import scrape_limits
from slo.cli import main
from slo.generate import generate
from slo.source import InvalidDeclarationError

from tests.unit.slo.conftest import CHART, VALID, declare

OWN = Path("services/shop/values.yaml")
PROD = Path("platform/argocd/environments/prod/shop.yaml")


def found(root: Path) -> list[str]:
    return [str(each).removeprefix(f"{root}/") for each in scrape_limits.too_low(root, "shop")]


def write(root: Path, file: Path, text: str) -> None:
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    (root / file).write_text(text)


def test_the_charts_limits_are_enough_for_a_small_service(root: Path) -> None:
    assert found(root) == []
    (limits,) = scrape_limits.read(root, "shop")
    assert limits[scrape_limits.SAMPLES] == 10_000


def test_a_limit_that_nobody_sets_is_none(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / scrape_limits.CHART).unlink()
    assert found(root) == []
    assert main(["--root", str(root), "validate"]) == 0
    assert "per pod (limit none)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("key", "limit", "told"),
    [
        ("sampleLimit", 1000, "series per pod"),
        ("labelLimit", 16, "labels per series"),
        ("labelNameLengthLimit", 26, "characters in a label's name"),
        ("labelValueLengthLimit", 252, "characters in a label's value"),
    ],
)
def test_a_limit_below_the_contract_stops_the_generation(
    root: Path, key: str, limit: int, told: str
) -> None:
    write(root, OWN, f"serviceMonitor: {{{key}: {limit}}}\n")
    (problem,) = found(root)
    assert problem.startswith(f"{OWN}:1: serviceMonitor.{key}: {limit} is less than ")
    assert told in problem
    least = int(problem.split(f"set serviceMonitor.{key} to ")[1].split()[0])
    with pytest.raises(InvalidDeclarationError, match=told):
        generate(root)
    write(root, OWN, f"serviceMonitor: {{{key}: {least}}}\n")
    assert found(root) == []
    write(root, OWN, f"serviceMonitor: {{{key}: {least - 1}}}\n")
    assert len(found(root)) == 1


def test_a_limit_of_the_chart_is_raised_in_the_services_file(root: Path) -> None:
    write(root, scrape_limits.CHART, CHART.replace("10000", "10"))
    (problem,) = found(root)
    assert problem.startswith(f"{OWN}:1: ")
    (least,) = [word for word in problem.split() if word.isdigit() and word != "10"][-1:]
    write(root, OWN, f"name: shop\nserviceMonitor: {{sampleLimit: {least}}}\n")
    assert found(root) == []


def test_the_limit_of_an_environment_counts_too(root: Path) -> None:
    write(root, PROD, "replicas: 3\n")
    assert len(scrape_limits.read(root, "shop")) == 1
    write(root, PROD, "serviceMonitor: {sampleLimit: 500}\n")
    (problem,) = found(root)
    assert problem.startswith(f"{PROD}:1: ")
    assert [each["sampleLimit"] for each in scrape_limits.read(root, "shop")] == [10_000, 500]


def test_a_route_longer_than_the_limit_of_a_value_is_told(root: Path) -> None:
    declare(root, "shop", VALID, ("/a", "/b", "/" + "x" * 256))
    (problem,) = found(root)
    assert "labelValueLengthLimit: 256 is less than 257 characters in a label's value" in problem
