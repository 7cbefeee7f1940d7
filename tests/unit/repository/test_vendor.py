"""Upstream charts come from a folder of packed charts, as its index says; stale ones go."""

import hashlib
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.platform.charts import vendor
from tests.platform.charts.vendor import MissingError, Pin

PIN = Pin("harbour", "1.2.3")
PACKED = b"a packed chart"


def umbrella(folder: Path) -> Path:
    """A chart that depends on another, of which an older version lies beside it."""
    (folder / "charts").mkdir(parents=True)
    (folder / "charts/harbour-1.0.0.tgz").write_bytes(b"old")
    dependency = {"name": PIN.name, "version": PIN.version, "repository": "https://charts.test"}
    dependencies = [dependency, {**dependency, "alias": "other"}]
    YAML().dump({"name": "umbrella", "dependencies": dependencies}, folder / "Chart.yaml")
    return folder


def store(folder: Path, version: str = PIN.version, content: bytes = PACKED) -> Path:
    """A folder as `helm package` and `helm repo index` leave it."""
    folder.mkdir()
    file = folder / f"harbour-{version}.tgz"
    file.write_bytes(content)
    entry = {
        "name": "harbour",
        "version": version,
        "urls": [file.name],
        "digest": hashlib.sha256(PACKED).hexdigest(),
    }
    YAML().dump({"apiVersion": "v1", "entries": {"harbour": [entry]}}, folder / "index.yaml")
    return folder


def test_the_pinned_version_replaces_a_stale_one(tmp_path: Path) -> None:
    chart = umbrella(tmp_path / "umbrella")
    assert vendor.missing(chart) == [PIN]
    vendor.vendor(chart, store(tmp_path / "store"))
    assert [file.name for file in (chart / "charts").iterdir()] == [PIN.archive]
    assert (chart / "charts" / PIN.archive).read_bytes() == PACKED


def test_vendor_keeps_an_existing_chart(tmp_path: Path) -> None:
    chart = umbrella(tmp_path / "umbrella")
    (chart / "charts" / PIN.archive).write_bytes(PACKED)
    vendor.vendor(chart, tmp_path / "no store")
    assert vendor.missing(chart) == []
    assert vendor.stale(chart) == []


def test_a_store_without_an_index_is_told_with_what_makes_one(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    with pytest.raises(MissingError, match=r"no index\.yaml; make it by `helm repo index"):
        vendor.vendor(umbrella(tmp_path / "umbrella"), tmp_path / "store")


def test_a_store_of_another_version_is_told_which_one_is_needed(tmp_path: Path) -> None:
    chart, other = umbrella(tmp_path / "umbrella"), store(tmp_path / "store", version="9.9.9")
    with pytest.raises(MissingError, match=r"no harbour 1\.2\.3 in its index"):
        vendor.vendor(chart, other)


def test_a_chart_that_is_not_what_the_index_says_is_refused(tmp_path: Path) -> None:
    chart, other = umbrella(tmp_path / "umbrella"), store(tmp_path / "store", content=b"else")
    with pytest.raises(MissingError, match="is not what the index says"):
        vendor.vendor(chart, other)


def test_every_umbrella_chart_is_known() -> None:
    assert set(vendor.UMBRELLAS) == {
        "argo-rollouts", "argocd/install", "grafana", "jaeger", "kyverno", "loki",
        "otel-collector", "prometheus", "prometheus-adapter", "thanos",
    }  # fmt: skip
