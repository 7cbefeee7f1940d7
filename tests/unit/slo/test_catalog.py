import json
from pathlib import Path

import pytest
from slo.adoption import Adoption, load_adoption
from slo.catalog import graphs, with_servers
from slo.generate import generate

from tests.unit.slo.conftest import ADOPTION

GENERATED = Path("platform/generated")


@pytest.fixture
def adoption(root: Path) -> Adoption:
    return load_adoption(root)


def test_servers_are_the_addresses_of_each_environment_in_their_order(adoption: Adoption) -> None:
    document = json.loads(with_servers("shop", '{"openapi": "3.1.0", "servers": []}', adoption))
    assert document == {
        "openapi": "3.1.0",
        "servers": [
            {"url": "https://shop.dev.acme.test", "description": "dev"},
            {"url": "https://acme.test/shop", "description": "prod"},
        ],
    }


def test_graphs_select_the_service_and_the_last_environment(adoption: Adoption) -> None:
    first, second = graphs("shop", adoption).split(",")
    assert first == (
        'slo:sli_error:ratio_rate5m{service_name="shop"}'
        ' and slo:sli_error:ratio_rate5m{deployment_environment_name="prod"}|slo'
    )
    assert second.startswith("slo:period_error_budget_remaining:ratio{")


def test_without_addresses_nothing_is_said_of_environments(root: Path) -> None:
    (root / "platform/adopt.yaml").write_text(ADOPTION.partition("addresses:")[0])
    files = generate(root)
    assert "prod" not in files[GENERATED / "shop/graphs.txt"]
    assert "API in" not in files[GENERATED / "shop/links.yaml"]
    assert "environment" not in files[GENERATED / "shop/overview-dashboard.txt"]
    assert json.loads(files[GENERATED / "shop/openapi.json"])["servers"] == []


@pytest.mark.parametrize(
    ("repository", "slug", "repo_url"),
    [
        ("https://github.com/example/sea", "example/sea", "github.com?owner=example&repo=sea"),
        ("https://git.acme.test:8443/a/sea", "a/sea", "git.acme.test:8443?owner=a&repo=sea"),
        ("https://git.acme.test/a/b/sea", "a/b/sea", "git.acme.test?owner=a/b&repo=sea"),
    ],
)
def test_the_repository_is_written_as_backstage_writes_it(
    adoption: Adoption, repository: str, slug: str, repo_url: str
) -> None:
    changed = adoption.model_copy(update={"repository": repository})
    assert (changed.slug, changed.repo_url) == (slug, repo_url)


def test_the_watchdog_is_no_alert_that_the_catalog_shows(root: Path) -> None:
    alerts = generate(root)[GENERATED / "shop/alerts.txt"].split(",")
    assert "ShopNoReadyPods" in alerts
    assert "ShopSloWatchdog" not in alerts
