"""The service as a process: what clients, probes and Prometheus see of it.

tests/integration/service/test_http_contract.py asks for what every service does over HTTP.
"""

import json
from collections.abc import Iterator

import pytest
from ${{ values.package }} import names

{% if values.store == "postgresql" %}
from tests import postgres, service
{% else %}
from tests import service
{% endif %}
from tests.service import ROOT, Service

NAME = "${{ values.name }}"
PATH = f"/{NAME}"


{% if values.store == "postgresql" %}
@pytest.fixture(scope="module", params=["memory", "postgresql"])
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service over each store; all of them hold the same two items."""
    settings = {}
    if request.param == "postgresql":
        server = request.getfixturevalue("postgres_server")
        settings["${{ values.prefix }}_STORE_URL"] = postgres.new_database(server, NAME)
        assert service.manage("migrate", "-v0", name=NAME, settings=settings).returncode == 0
    with service.running(tmp_path_factory.mktemp("service"), name=NAME, **settings) as running:
        yield running
{% else %}
@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service.running(tmp_path_factory.mktemp("service"), name=NAME) as running:
        yield running
{% endif %}


def test_items_are_listed_and_one_is_got(running: Service) -> None:
    items = running.client.get(PATH).json()
    assert [item["id"] for item in items] == ["first", "second"]
    assert running.client.get(f"{PATH}/first").json() == items[0]
    assert running.client.get(PATH, params={"limit": 1}).json() == items[:1]


def test_errors_are_problem_documents_with_the_request_id(running: Service) -> None:
    for path in (f"{PATH}/third", f"{PATH}/%00", "/nowhere"):
        response = running.client.get(path, headers={"X-Request-ID": "a-test"})
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == response.status_code == 404
        assert response.json()["request_id"] == "a-test"


def test_requests_are_counted_by_route_and_logged(running: Service) -> None:
    running.client.get(f"{PATH}/first", headers={"X-Request-ID": "counted"})
    metrics = running.client.get("/metrics").text
    assert f'http_route="{PATH}/{{id}}"' in metrics
    lines = [json.loads(line) for line in running.lines()]
    (access,) = [line for line in lines if line.get("request_id") == "counted"]
    assert access["route"] == f"{PATH}/{{id}}"


def test_lookups_are_counted_and_an_unknown_item_is_logged(running: Service) -> None:
    name = f'{names.LOOKUPS}{{outcome="{names.UNKNOWN}"}} '
    before = running.client.get("/metrics").text
    running.client.get(f"{PATH}/third", headers={"X-Request-ID": "lookup"})
    after = running.client.get("/metrics").text
    values = [float(text.split(name, 1)[1].split()[0]) for text in (before, after)]
    assert values[1] == values[0] + 1
    lines = [json.loads(line) for line in running.lines() if names.UNKNOWN_EVENT in line]
    assert "third" in [line["id"] for line in lines if line["request_id"] == "lookup"]


def test_the_series_of_the_slo_exist_before_the_first_request(running: Service) -> None:
    metrics = running.client.get("/metrics").text
    for route in (PATH, f"{PATH}/{{id}}", "_overload"):
        assert any(
            f'http_route="{route}"' in line and 'http_response_status_code="500"' in line
            for line in metrics.splitlines()
        ), route


def test_probes_answer(running: Service) -> None:
    assert running.client.get("/ready").json() == {"status": "ready", "unavailable": []}
    assert running.client.get("/live").json() == {"status": "live"}


def test_the_committed_openapi_document_is_the_one_that_is_served(running: Service) -> None:
    committed = json.loads((ROOT / "services" / NAME / "openapi.json").read_text())
    assert running.client.get("/openapi.json").json() == committed
