"""Manifests of the charts are valid by the schemas of Kubernetes and of their own CRDs."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.platform.chart import schemas
from tests.platform.chart.judges import kubeconform
from tests.platform.charts import releases
from tests.platform.charts.releases import Object, Release

pytestmark = pytest.mark.timeout(600)
RELEASES = pytest.mark.parametrize("release", releases.platform(), ids=str)


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Schemas of Kubernetes, and of every kind that a chart brings and somebody uses."""
    folder = tmp_path_factory.mktemp("schemas")
    location = schemas.write(folder)
    used = {each["kind"] for p in releases.PROFILES for each in releases.everything(p)}
    for release in releases.argo_cds():
        crds = [d for d in releases.documents(release.manifests()) if releases.is_crd(d)]
        wanted = [d for d in crds if any(f"\n    kind: {kind}\n" in d for kind in used)]
        schemas.add(folder, releases.parsed(wanted))
    return location


def checked(found: Sequence[Object], pattern: str) -> str:
    """Return what kubeconform says, one object a line."""
    text = "---\n".join(json.dumps(given(each)) + "\n" for each in found)
    return kubeconform(pattern, text).stdout


def given(value: Any) -> Any:
    """Leave out what is null, as the API server does."""
    if isinstance(value, dict):
        return {key: given(each) for key, each in value.items() if each is not None}
    return [given(each) for each in value] if isinstance(value, list) else value


@RELEASES
def test_every_object_is_valid(release: Release, pattern: str) -> None:
    found = releases.objects(release)
    said = checked(found, pattern)
    print(said.strip().splitlines()[-1])
    assert f"Valid: {len(found)}, Invalid: 0, Errors: 0, Skipped: 0" in said, said


@pytest.mark.parametrize("environment", releases.environments())
def test_every_service_is_valid(environment: str, pattern: str) -> None:
    found = releases.service_objects(environment)
    assert f"Valid: {len(found)}, Invalid: 0" in checked(found, pattern)


@pytest.mark.parametrize(
    ("chart", "kind", "wrong"),
    [
        ("prometheus", "Prometheus", {"retentions": "35d"}),
        ("prometheus", "Alertmanager", {"replicas": "one"}),
        ("otel-collector", "PodMonitor", {"podMetricsEndpoint": []}),
        ("otel-collector", "DaemonSet", {"updateStrategys": {}}),
    ],
)
def test_a_wrong_field_would_be_noticed(chart: str, kind: str, wrong: Object, pattern: str) -> None:
    (release,) = (each for each in releases.argo_cds() if each.chart == chart)
    (right,) = (each for each in releases.objects(release) if each["kind"] == kind)
    said = checked([{**right, "spec": {**right["spec"], **wrong}}], pattern)
    assert "Invalid: 1" in said
