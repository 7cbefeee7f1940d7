"""The page at `/` of each service in Chromium: small, wide, light, dark, and without a mouse."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import service
from tests.service import SERVICES, Service
from tests.support import browser

# Chromium starts twice, and draws four pages, on a machine that may be busy.
pytestmark = pytest.mark.timeout(600)
SIZES = [(width, scheme) for width in (360, 1440) for scheme in ("light", "dark")]


@pytest.fixture(scope="module", params=SERVICES)
def running(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    name: str = request.param
    # A long address, which a narrow page must break.
    address = {f"{service.prefix(name)}REPOSITORY_URL": "https://github.com/example/ports-platform"}
    with service.running(tmp_path_factory.mktemp("landing"), name=name, **address) as started:
        yield started


@pytest.fixture(scope="module")
def looks(running: Service, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The look of a page, for each of SIZES."""
    found: list[dict[str, Any]] = browser.node(
        "look.mjs", f"{running.url}/", tmp_path_factory.mktemp("pictures")
    )
    assert [(look["width"], look["scheme"]) for look in found] == SIZES
    return found


def test_the_page_has_no_violation_of_the_accessibility_rules(looks: list[dict[str, Any]]) -> None:
    assert [look["violations"] for look in looks] == [[]] * len(SIZES)
    assert all(look["passes"] > 10 for look in looks)


def test_the_page_scrolls_down_alone(looks: list[dict[str, Any]]) -> None:
    assert [look["scrollWidth"] for look in looks] == [width for width, _ in SIZES]


def test_the_page_stays_within_its_own_policy(looks: list[dict[str, Any]]) -> None:
    """Chromium writes into the console what it refuses to run or to fetch."""
    assert [look["errors"] for look in looks] == [[]] * len(SIZES)


@pytest.mark.parametrize("running", ["ports"], indirect=True)
def test_a_port_is_found_with_the_keyboard_alone(running: Service) -> None:
    seen = browser.node("keyboard.mjs", f"{running.url}/", "yokohama")
    assert seen["first"]["name"] == "Skip to the content"
    trail = [each["name"] for each in seen["trail"]]
    assert trail[:2] == ["q", "Search"]
    assert trail[-2:] == ["previous", "next"]
    assert len(trail) == 2 + 15 + 2
    assert {each["outline"] for each in [seen["first"], *seen["trail"]]} == {"solid"}
    assert seen["start"] == "Ports 1 to 15, marked on the map; more follow."
    assert seen["second"] == "Ports 16 to 30, marked on the map; more follow."
    assert seen["found"] == "Port 1 whose name contains “yokohama”, marked on the map."
    assert seen["map"] == "Yokohama, Japan (JPYOK)"
    assert seen["address"] == f"{running.url}/ports/JPYOK"
