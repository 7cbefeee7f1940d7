"""Statements of the pages that were wrong once, each compared with the code that decides it."""

import re

import pytest
from ruamel.yaml import YAML
from slo.declaration import load_services
from slo.model import Slo
from slo.windows import BURN_WINDOWS

from tests.service import ROOT

SLOS = load_services(ROOT, "ports")["ports"]


def page(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("slo", SLOS, ids=lambda slo: slo.name)
def test_a_runbook_names_the_threshold_of_each_alert(slo: Slo) -> None:
    first = page(f"services/ports/runbooks/{slo.name}.md").split("## First look")[1]
    told = first.split("Expect above ")[1].split("\n\n")[0]
    thresholds = [window.threshold(slo.objective, slo.alerting_period) for window in BURN_WINDOWS]
    assert [float(number) for number in re.findall(r"\b0\.\d+", told)] == [
        pytest.approx(float(each)) for each in thresholds
    ]


def test_a_mitigation_names_values_of_the_chart() -> None:
    values = YAML(typ="safe").load(ROOT / "platform/chart/values.yaml")
    capacity = {"autoscaling.maxReplicas", "replicas"}
    named = {"availability": capacity, "latency": capacity, "reachability": {"prober.enabled"}}
    assert {slo.name for slo in SLOS} == set(named)
    for slo, keys in named.items():
        mitigation = page(f"services/ports/runbooks/{slo}.md").split("## Mitigation")[1]
        assert keys <= set(re.findall(r"`([\w.]+)[`:]", mitigation))
        for key in keys:
            value = values
            for part in key.split("."):
                value = value[part]


def test_the_scan_stops_a_release_at_the_severity_that_the_security_page_names() -> None:
    (scan,) = re.findall(r"^\ttools/bin/grype .*$", page("Makefile"), re.MULTILINE)
    assert "--only-fixed --fail-on high" in scan
    assert "a vulnerability of high or critical severity for which a fix exists" in " ".join(
        page("SECURITY.md").split()
    )


def test_the_readme_names_every_folder_of_the_platform() -> None:
    table = page("README.md").split("## Where things are")[1]
    named = set(re.findall(r"`platform/([\w-]+)/`", table))
    assert named == {
        folder.name for folder in (ROOT / "platform").iterdir() if any(folder.glob("[!_.]*"))
    }


def test_the_first_page_links_every_page_of_the_documentation() -> None:
    linked = set(re.findall(r"\]\(([\w/.-]+\.md)\)", page("docs/index.md")))
    docs = ROOT / "docs"
    pages = {str(file.relative_to(docs)) for file in docs.rglob("*.md")}
    left_out = {each for each in pages if each.startswith(("decisions/", "runbooks/"))}
    assert pages - linked - left_out == {"index.md"}


def test_the_steps_of_adding_an_slo_are_on_one_page() -> None:
    steps = "docs/how-to/add-an-slo.md"
    assert steps in page("services/ports/slo.yaml")
    assert "(how-to/add-an-slo.md)" in page("docs/slo.md")
    assert "slo validate" in page(steps)


def test_the_telemetry_reference_names_the_labels_of_every_query() -> None:
    reference = page("docs/telemetry-reference.md")
    assert all(
        f"`{name}`" in reference
        for name in ("service_name", "deployment_environment_name", "severity_text")
    )
