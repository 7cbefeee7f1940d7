"""A real Backstage backend loads the repository, runs the template, and answers what its pages ask.

The requests of plugins whose code runs in a browser are repeated here. The backends of the
Kubernetes plugin and of TechDocs make their own requests.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption

from tests.portal.backend import wait_for
from tests.portal.conftest import ANSWERS, ENVIRONMENTS, OFFLINE, SERVICES, Portal
from tests.service import ROOT

# The backend, PostgreSQL and Prometheus start; TechDocs builds the site.
pytestmark = pytest.mark.timeout(600)


def test_the_catalog_is_the_one_that_is_loaded_without_a_backend(portal: Portal) -> None:
    done = subprocess.run(
        ["node", OFFLINE / "list.mjs", ROOT], capture_output=True, text=True, check=True
    )
    expected = set(json.loads(done.stdout)["entities"])

    def references() -> set[str]:
        entities = portal.get("/api/catalog/entities").json()
        return {f"{each['kind'].lower()}:default/{each['metadata']['name']}" for each in entities}

    wait_for(lambda: references() == expected)


def test_the_template_proposes_the_files_of_make_new_service(portal: Portal, made: Path) -> None:
    task = portal.run_template(**ANSWERS)
    assert task["status"] == "completed", task
    (proposed,) = portal.github.pull_requests
    assert proposed["head"] == f"{portal.github.repository.partition('/')[0]}:add-port-calls"
    assert proposed["title"] == "Add the port-calls service"
    assert "make generate" in proposed["body"]
    assert portal.github.proposed == {
        str(file.relative_to(made)): file.read_text() for file in made.rglob("*") if file.is_file()
    }
    events = portal.get(f"/api/scaffolder/v2/tasks/{task['id']}/events").json()
    (output,) = (each["body"]["output"] for each in events if each["type"] == "completion")
    assert "make generate" in output["text"][0]["content"]
    assert output["links"][0]["url"].endswith("/pull/1")


def test_an_owner_whom_the_catalog_does_not_have_ends_the_task(portal: Portal) -> None:
    task = portal.run_template(**{**ANSWERS, "name": "berths", "owner": "group:default/nobody"})
    assert task["status"] == "failed"
    events = portal.get(f"/api/scaffolder/v2/tasks/{task['id']}/events").json()
    assert any("Entity group:default/nobody not found" in str(each) for each in events)


@pytest.mark.parametrize("name", ["import", "ports", "on", "a--b", "requests"])
def test_the_backend_refuses_a_name_that_the_form_refuses(portal: Portal, name: str) -> None:
    response = portal.client.post(
        "/api/scaffolder/v2/tasks",
        json={
            "templateRef": "template:default/django-ninja-service",
            "values": {**ANSWERS, "name": name},
        },
    )
    assert response.status_code == 400


def test_kubernetes_shows_each_environment_of_the_service_alone(portal: Portal) -> None:
    entity = portal.entity("component/default/ports")
    answer = portal.client.post("/api/kubernetes/services/ports", json={"entity": entity})
    assert answer.status_code == 200, answer.text
    (cluster,) = answer.json()["items"]
    assert cluster["errors"] == []
    found = {each["type"]: each["resources"] for each in cluster["resources"]}
    assert len(found["pods"]) == len(found["deployments"]) == len(ENVIRONMENTS)
    names = {each["metadata"]["name"] for each in found["deployments"]}
    assert names == {"ports"}


def test_the_rights_cover_all_that_the_kubernetes_plugin_reads(portal: Portal) -> None:
    portal.client.post(
        "/api/kubernetes/services/ports",
        json={"entity": portal.entity("component/default/ports")},
    )
    documents = YAML(typ="safe").load_all(ROOT / "platform/backstage/read-rights.yaml")
    (role,) = (each for each in documents if each["kind"] == "ClusterRole")
    granted = {
        (group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if "list" in rule["verbs"]
    }
    assert portal.kubernetes.asked <= granted
    assert len(portal.kubernetes.asked) > 10


def test_grafana_shows_the_dashboards_of_the_service_alone(portal: Portal) -> None:
    tag = portal.annotation("grafana/dashboard-selector").split("'")[1]
    boards = portal.get("/api/proxy/grafana/api/api/search", type="dash-db", limit="1000").json()
    shown = {each["uid"] for each in boards if tag in each["tags"]}
    own = {
        json.loads(file.read_text())["uid"]
        for file in ROOT.glob("platform/generated/ports/dashboards/*.json")
    }
    assert shown == own
    assert any("port-calls" in each["tags"] for each in boards)


def test_a_page_may_embed_a_dashboard_of_this_grafana(portal: Portal) -> None:
    policy = portal.get("/api/catalog/entities").headers["Content-Security-Policy"]
    assert f"frame-src 'self' {load_adoption(ROOT).urls.grafana}" in policy.split(";")


def test_graphs_show_the_service_in_production_alone(portal: Portal) -> None:
    moment = portal.get("/api/proxy/prometheus/api/query", query="time()").json()
    now = float(moment["data"]["result"][0])
    for pair in portal.annotation("prometheus.io/rule").split(","):
        query, label = pair.split("|")
        data = range_of(portal, query, now)
        assert [each["metric"]["service_name"] for each in data] == ["ports"]
        assert [each["metric"]["deployment_environment_name"] for each in data] == ["prod"]
        assert data[0]["metric"][label] == "availability"
        # The bare name selects every service in every environment.
        name = query.partition("{")[0]
        assert len(range_of(portal, name, now)) == len(SERVICES) * len(ENVIRONMENTS)


def range_of(portal: Portal, query: str, now: float) -> Any:
    """Ask for an hour, as the Prometheus plugin does."""
    answer = portal.get(
        "/api/proxy/prometheus/api/query_range",
        query=query, start=str(now - 3600), end=str(now), step="14",
    )  # fmt: skip
    return answer.json()["data"]["result"]


def test_a_healthy_service_shows_no_alert(portal: Portal) -> None:
    def firing() -> set[str]:
        groups = portal.get("/api/proxy/prometheus/api/rules", type="alert").json()["data"][
            "groups"
        ]
        rules = [rule for group in groups for rule in group["rules"]]
        return {rule["name"] for rule in rules if any(rule["alerts"])}

    wait_for(lambda: {"PortsSloWatchdog", "PortCallsSloWatchdog"} <= firing())
    shown = set(portal.annotation("prometheus.io/alert").split(","))
    assert shown & firing() == set()


def test_argo_cd_shows_each_environment_of_the_service_alone(portal: Portal) -> None:
    selector = portal.annotation("argocd/app-selector")
    found = portal.get("/api/proxy/argocd/api/applications", selector=selector).json()["items"]
    names = {each["metadata"]["name"] for each in found}
    assert names == {f"ports-{environment}" for environment in ENVIRONMENTS}
    everything = portal.get("/api/proxy/argocd/api/applications").json()["items"]
    assert len(everything) == len(SERVICES) * len(ENVIRONMENTS)


def test_techdocs_opens_the_page_of_the_service_without_foreign_fonts(portal: Portal) -> None:
    kind, _, name = portal.annotation("backstage.io/techdocs-entity").partition(":")
    site = f"{name.partition('/')[0]}/{kind}/{name.partition('/')[2]}"
    built = portal.client.get(f"/api/techdocs/sync/{site}", timeout=300)
    assert built.status_code in {200, 201}, built.text
    path = portal.annotation("backstage.io/techdocs-entity-path")
    page = portal.get(f"/api/techdocs/static/docs/{site}{path}/index.html").text
    assert "ports" in page
    assert "fonts.googleapis" not in page
