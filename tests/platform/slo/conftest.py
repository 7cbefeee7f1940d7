"""Fixtures of the tests on real programs."""

from collections.abc import Iterator

import pytest
from slo.adoption import load_adoption
from slo.declaration import load_service
from slo.generate import service_groups
from slo.model import Slo
from slo.rules import Clock, Group

from tests.platform.slo import history
from tests.platform.slo.real import ROOT, Prometheus, prometheus


@pytest.fixture(scope="session")
def slos() -> list[Slo]:
    """SLOs of the ports service."""
    return load_service(ROOT / "services/ports/slo.yaml")


@pytest.fixture(scope="session")
def groups(slos: list[Slo]) -> list[Group]:
    """Rule groups of the ports service, as they are committed."""
    return service_groups("ports", slos, load_adoption(ROOT), Clock())


@pytest.fixture(scope="session")
def truths() -> dict[str, history.Truth]:
    """Counts of the events in the 30 days' history; filled when the history is made."""
    return {}


@pytest.fixture(scope="session")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    groups: list[Group],
    truths: dict[str, history.Truth],
) -> Iterator[Prometheus]:
    """A Prometheus that holds 30 days of history, its rules recorded."""
    folder = tmp_path_factory.mktemp("history")
    truths |= history.make(folder, groups)
    with prometheus(folder) as running:
        yield running
