"""The targets of the catalog's annotations and links exist under exactly that name."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption
from slo.series import prober
from telemetry import names

from tests.platform.chart import render
from tests.service import ROOT, SERVICES

GENERATED = ROOT / "platform" / "generated"
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


def test_the_alerts_are_those_of_the_rules_that_mean_trouble(
    service: str, annotations: dict[str, str]
) -> None:
    alerts = {
        rule["alert"]: rule["labels"]["severity"] for rule in rules(service) if "alert" in rule
    }
    shown = annotations["prometheus.io/alert"].split(",")
    assert set(shown) == {name for name, severity in alerts.items() if severity != "none"}
    # The watchdog fires as long as all is well.
    assert len(alerts) - len(shown) == 1


def queries(annotations: dict[str, str]) -> list[list[str]]:
    """Return what the Prometheus plugin makes of the annotation: queries, each with a label."""
    return [each.split("|") for each in annotations["prometheus.io/rule"].split(",")]


def test_each_series_that_is_shown_is_recorded_with_the_label_of_its_lines(
    service: str, annotations: dict[str, str]
) -> None:
    recorded = {
        rule["record"]: rule.get("labels", {}) for rule in rules(service) if "record" in rule
    }
    assert len(queries(annotations)) == 2
    for query, label in queries(annotations):
        (name,) = set(re.findall(r"[a-z_:0-9]+(?={)", query))
        assert label in recorded[name], name


def test_graphs_show_the_service_in_production_alone(
    service: str, annotations: dict[str, str], tmp_path: Path
) -> None:
    """Prometheus evaluates the queries over two services in three environments."""
    series = [
        {"series": f'{name}{{service_name="{each}", deployment_environment_name="{environment}",'
         f' slo="availability"}}', "values": "1"}
        for name in ("slo:sli_error:ratio_rate5m", "slo:period_error_budget_remaining:ratio")
        for each in (service, "another")
        for environment in ENVIRONMENTS
    ]  # fmt: skip
    assert len(series) == 12
    expected = [
        {
            "expr": query,
            "eval_time": "0s",
            "exp_samples": [
                {
                    "labels": f'{query.partition("{")[0]}{{service_name="{service}",'
                    f' deployment_environment_name="prod", {label}="availability"}}',
                    "value": 1,
                }
            ],
        }
        for query, label in queries(annotations)
    ]
    test = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": expected}]}
    (tmp_path / "test.yaml").write_text(json.dumps(test))
    done = subprocess.run(
        [ROOT / "tools/bin/promtool", "test", "rules", tmp_path / "test.yaml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
        "--set", f"environment={environment},image.digest={render.DIGEST}",
        root=ROOT,
    )  # fmt: skip
    deployed = render.objects(manifests)
    deployments = [each for each in deployed if each["kind"] in render.WORKLOADS]
    pods = [each["spec"]["template"] for each in deployments]
    rules_of_slos = YAML(typ="safe").load(GENERATED / service / "prometheusrule.yaml")
    assert {each["metadata"]["name"] for each in deployments} - {prober(service)} == {service}
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
    # The prober sends no traces.
    assert selected - {prober(service)} == {annotations["jaegertracing.io/service"]}


# @backstage/app-defaults: icons of other names are not drawn.
ICONS = {"dashboard", "docs", "search", "warning", "kind:api", "github"}


def test_each_link_leads_to_a_dashboard_a_page_or_a_tool_that_is_there(component: Entity) -> None:
    adoption = load_adoption(ROOT)
    boards = dashboards()
    links = [link["url"] for link in component["metadata"]["links"]]
    addresses = [
        f"{adoption.address(component['metadata']['name'], each)}/docs" for each in ENVIRONMENTS
    ]
    known = 0
    for link in links:
        if link.startswith(f"{adoption.urls.grafana}/d/"):
            assert link.removeprefix(f"{adoption.urls.grafana}/d/") in boards
        elif link.startswith(adoption.file_url("")):
            assert (ROOT / link.removeprefix(adoption.file_url(""))).is_file()
        elif link not in addresses:
            assert link.startswith((adoption.urls.jaeger, adoption.urls.prometheus)), link
            known += 1
    assert known == 2
    assert set(addresses) < set(links)


def test_every_link_has_an_icon_that_backstage_draws(entities: dict[str, Entity]) -> None:
    links = [link for entity in entities.values() for link in entity["metadata"].get("links", [])]
    assert len(links) > 20
    assert {link["icon"] for link in links} == ICONS


@pytest.mark.parametrize("kind", ["API", "Component", "Resource", "System", "Template"])
def test_each_entity_has_documentation_that_is_there(
    kind: str, entities: dict[str, Entity]
) -> None:
    found = [entity for entity in entities.values() if entity["kind"] == kind]
    assert found
    for entity in found:
        annotations = entity["metadata"]["annotations"]
        if "backstage.io/techdocs-ref" in annotations:
            continue
        page = annotations["backstage.io/techdocs-entity-path"].strip("/")
        assert (ROOT / "docs" / f"{page}.md").is_file(), page
        owner = entities[annotations["backstage.io/techdocs-entity"]]["metadata"]["annotations"]
        # Relative to the entity's own file, which lies beside mkdocs.yml.
        assert owner["backstage.io/techdocs-ref"] == "dir:."
        assert owner["backstage.io/managed-by-location"].endswith("/tree/main/catalog-info.yaml")
    assert (ROOT / "mkdocs.yml").is_file()


def test_each_api_system_template_and_team_has_links(entities: dict[str, Entity]) -> None:
    for entity in entities.values():
        if entity["kind"] in {"API", "System", "Template"} or (
            entity["kind"] == "Group" and entity["spec"]["type"] == "team"
        ):
            assert entity["metadata"]["links"], entity["metadata"]["name"]


def test_the_dashboard_that_is_embedded_is_of_the_service_in_production(
    service: str, annotations: dict[str, str]
) -> None:
    url = annotations["grafana/overview-dashboard"]
    prefix = f"{load_adoption(ROOT).urls.grafana}/d/"
    uid, _, query = url.removeprefix(prefix).partition("?")
    own = {
        json.loads(file.read_text())["uid"]
        for file in (GENERATED / service / "dashboards").glob("*.json")
    }
    assert url.startswith(prefix)
    assert uid in own
    assert query == "var-environment=prod&kiosk"


def test_the_repository_is_named_as_its_host_names_it(annotations: dict[str, str]) -> None:
    assert load_adoption(ROOT).repository.endswith(f"/{annotations['github.com/project-slug']}")


def test_the_source_of_each_part_is_its_folder(entities: dict[str, Entity]) -> None:
    prefix = f"url:{load_adoption(ROOT).repository}/tree/main/"
    sources = [
        entity["metadata"]["annotations"]["backstage.io/source-location"].removeprefix(prefix)
        for entity in entities.values()
        if entity["kind"] in {"Component", "Resource"}
    ]
    assert len(sources) > 10
    for source in sources:
        assert source.count("/") == 2
        assert (ROOT / source).is_dir()
        assert source != "platform/backstage/"


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
    assert all(owner.startswith(prefix) for owner in owners)
    groups = {name for name in entities if name.startswith("group:")}
    # Without org.yaml they come from a directory, which a checkout does not know.
    if groups:
        assert {f"group:default/{owner.removeprefix(prefix)}" for owner in owners} <= groups
