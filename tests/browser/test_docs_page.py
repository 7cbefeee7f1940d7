"""The page that documents a service's API, in a browser without internet."""

import re
from pathlib import Path

import pytest

from tests import service
from tests.service import SERVICES
from tests.support import browser


@pytest.mark.parametrize("name", SERVICES)
def test_the_docs_page_shows_each_operation(name: str, tmp_path: Path) -> None:
    with service.running(tmp_path, name=name) as running:
        page = browser.rendered(f"{running.url}/docs")
        paths = running.client.get("/openapi.json").json()["paths"]
    operations = [each["operationId"] for methods in paths.values() for each in methods.values()]
    shown = re.findall(r'id="operations-(?!tag-)[\w-]+?-(\w+)"', page)
    assert sorted(shown) == sorted(operations)
