"""What the catalog's annotations and links point at exists, under just that name."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption
from telemetry import names

from tests.platform.chart import render
from tests.service import ROOT

GENERATED = ROOT / "platform" / "generated"
SERVICES = sorted(file.parent.name for file in ROOT.glob("services/*/catalog-info.yaml"))
ENVIRONMENTS = sorted(
    folder.name for folder in (ROOT / "platform/argocd/environments").iterdir() if folder.is_dir()
)
Entity = dict[str, Any]


@pytest.fixture(scope="session")
def entities() -> dict[str, Entity]:
    done = subprocess.run(
        ["node", Path(__file__).with_name("list.mjs"), ROOT],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Entity] = json.loads(done.stdout)["entities"]
    return found


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def component(service: str, entities: dict[str, Entity]) -> Entity:
    return entities[f"component:default/{service}"]


@pytest.fixture
def annotations(component: Entity) -> dict[str, str]:
    found: dict[str, str] = component["metadata"]["annotations"]
    return found


def rules(service: str) -> Iterator[dict[str, Any]]:
    for group in YAML(typ="safe").load(GENERATED / service / "rules.yaml")["groups"]:
        yield from group["rules"]


def dashboards() -> dict[str, dict[str, Any]]:
    """Return every generated dashboard by its uid."""
    files = GENERATED.glob("*/dashboards/*.json")
    return {board["uid"]: board for board in (json.loads(file.read_text()) for file in files)}


def test_every_service_is_in_the_catalog_once(entities: dict[str, Entity]) -> None:
    folders = sorted(file.parent.name for file in ROOT.glob("services/*/pyproject.toml"))
    in_catalog = sorted(
        entity["metadata"]["name"]
        for entity in entities.values()
        if entity["kind"] == "Component" and entity["spec"]["type"] == "service"
    )
    assert folders == in_catalog == SERVICES


def test_the_alerts_are_those_of_the_rules(service: str, annotations: dict[str, str]) -> None:
    alerts = [rule["alert"] for rule in rules(service) if "alert" in rule]
    assert annotations["prometheus.io/alert"].split(",") == alerts


def test_each_rule_that_is_shown_is_recorded_with_its_dimension(
    service: str, annotations: dict[str, str]
) -> None:
    recorded = {
        rule["record"]: rule.get("labels", {}) for rule in rules(service) if "record" in rule
    }
    shown = [pair.split("|") for pair in annotations["prometheus.io/rule"].split(",")]
    assert len(shown) == 2
    for record, dimension in shown:
        assert dimension in recorded[record], record


def test_the_dashboards_tag_is_on_all_of_the_service_and_on_no_other(
    service: str, annotations: dict[str, str]
) -> None:
    (tag,) = re.findall(r"^\(tags @> '(.+)'\)$", annotations["grafana/dashboard-selector"])
    tagged = {uid for uid, board in dashboards().items() if tag in board["tags"]}
    own = {
        json.loads(file.read_text())["uid"]
        for file in (GENERATED / service / "dashboards").glob("*.json")
    }
    assert tagged == own != set()


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_label_that_is_selected_is_on_all_that_is_deployed(
    service: str, environment: str, annotations: dict[str, str]
) -> None:
    label, _, value = annotations["backstage.io/kubernetes-label-selector"].partition("=")
    manifests = render.helm(
        "template", service, "platform/chart",
        "--kube-version", render.KUBERNETES,
        "--values", "platform/adopt.yaml",
        "--values", f"services/{service}/values.yaml",
        "--values", f"platform/argocd/environments/{environment}/{service}.yaml",
        "--set", f"environment={environment}",
        root=ROOT,
    )  # fmt: skip
    deployed = render.objects(manifests)
    pods = [each["spec"]["template"] for each in deployed if each["kind"] == "Deployment"]
    rules_of_slos = YAML(typ="safe").load(GENERATED / service / "prometheusrule.yaml")
    assert len(pods) == 1
    for each in (*deployed, *pods, rules_of_slos):
        assert each["metadata"]["labels"][label] == value == service


def test_the_applications_that_are_selected_are_those_of_the_service(
    service: str, annotations: dict[str, str]
) -> None:
    label, _, value = annotations["argocd/app-selector"].partition("=")
    manifests = render.helm(
        "template", "apps", "platform/argocd/apps", "--values", "platform/adopt.yaml", root=ROOT
    )
    found = {
        each["metadata"]["name"]: each["spec"]["template"]["metadata"].get("labels", {})
        for each in render.objects(manifests)
        if each["kind"] == "ApplicationSet"
    }
    # Each makes an application of each file of its environments, named as the service.
    for each in ("services", "services-pruned"):
        assert found[each][label] == '{{ trimSuffix ".yaml" .path.filename }}'
    assert value == service
    assert set(ENVIRONMENTS) == {"dev", "staging", "prod"}
    for environment in ENVIRONMENTS:
        assert (ROOT / "platform/argocd/environments" / environment / f"{service}.yaml").is_file()


def test_traces_are_found_under_the_name_that_telemetry_gives(
    service: str, annotations: dict[str, str]
) -> None:
    selected = {
        name
        for rule in rules(service)
        for name in re.findall(rf'{names.SERVICE_NAME}="([^"]+)"', rule["expr"])
    }
    assert selected == {annotations["jaegertracing.io/service"]}


def test_each_link_leads_to_a_dashboard_a_page_or_a_tool_that_is_there(component: Entity) -> None:
    adoption = load_adoption(ROOT)
    boards = dashboards()
    links = [link["url"] for link in component["metadata"]["links"]]
    known = 0
    for link in links:
        if link.startswith(f"{adoption.urls.grafana}/d/"):
            assert link.removeprefix(f"{adoption.urls.grafana}/d/") in boards
        elif link.startswith(adoption.file_url("")):
            assert (ROOT / link.removeprefix(adoption.file_url(""))).is_file()
        else:
            assert link.startswith((adoption.urls.jaeger, adoption.urls.prometheus)), link
            known += 1
    assert known == 2
    assert len(links) > 4


def test_documentation_is_of_an_entity_that_has_some(
    annotations: dict[str, str], entities: dict[str, Entity]
) -> None:
    documented = entities[annotations["backstage.io/techdocs-entity"]]
    found = documented["metadata"]["annotations"]
    # Relative to the entity's own file, which lies beside mkdocs.yml.
    assert found["backstage.io/techdocs-ref"] == "dir:."
    assert found["backstage.io/managed-by-location"].endswith("/tree/main/catalog-info.yaml")
    assert (ROOT / "mkdocs.yml").is_file()


def test_each_part_of_the_cluster_is_named_as_its_folder(entities: dict[str, Entity]) -> None:
    charts = {file.parent.name for file in ROOT.glob("platform/*/Chart.yaml")} - {"chart"}
    resources = {
        entity["metadata"]["name"] for entity in entities.values() if entity["kind"] == "Resource"
    }
    assert charts - resources == set()


def test_code_owners_are_groups_of_the_catalog(entities: dict[str, Entity]) -> None:
    lines = (ROOT / ".github" / "CODEOWNERS").read_text().splitlines()[1:]
    prefix = f"@{load_adoption(ROOT).organisation}/"
    owners = {owner for line in lines for owner in line.split()[1:]}
    assert len(owners) == 2
    for owner in owners:
        assert owner.startswith(prefix)
        assert f"group:default/{owner.removeprefix(prefix)}" in entities
