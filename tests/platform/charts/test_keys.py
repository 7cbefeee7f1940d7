"""Every key of our values has an effect: without it the chart renders something else."""

import copy
import dataclasses
import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from stack import values

from tests.platform.chart.render import RefusedError
from tests.platform.charts import releases
from tests.platform.charts.releases import Release

Path_ = tuple[str, ...]
pytestmark = pytest.mark.timeout(900)
# Equal to the defaults of the charts today, and set anyway: addresses in other values need the
# names, and the tests ran those versions.
SAID = {
    "grafana.fullnameOverride",
    "grafana.image.tag",
    "jaeger.fullnameOverride",
    "loki.fullnameOverride",
    "thanos.image.tag",
}


def leaves(given: Mapping[str, Any], above: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of every key that holds no further keys; a list is one value."""
    for key, value in given.items():
        path = (*above, key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        else:
            yield path


def without(given: dict[str, Any], path: Path_) -> dict[str, Any]:
    """Return a copy of values without one key."""
    changed = copy.deepcopy(given)
    *above, last = path
    at = changed
    for key in above:
        at = at[key]
    del at[last]
    return changed


def write(given: dict[str, Any], file: Path) -> None:
    """Write values to a file."""
    with file.open("w") as out:
        YAML().dump(given, out)


def rendered(release: Release, chart: Path) -> str | None:
    """Render a release with another copy of its chart; None if the chart refuses the values."""
    try:
        return release.manifests(chart)
    except RefusedError:
        return None


def ineffective(
    release: Release, file: Path, folder: Path, source: Path | None = None
) -> tuple[int, list[str]]:
    """Return how many keys a file of values has, and those without effect on a release.

    Args:
        release: What is rendered.
        file: One of the release's overlays, or the chart's `values.yaml`.
        folder: Takes the changed charts.
        source: The umbrella chart, if it is not the repository's.
    """
    source = source or values.PLATFORM / release.chart
    given = values.read(file)
    whole = release.manifests(source)
    assert whole == release.manifests(source), "it renders differently each time: drift for ever"

    def has_effect(number: int, path: Path_) -> bool:
        chart = folder / str(number)
        if file in release.overlays:
            chart.mkdir()
            changed = chart / file.name
            overlays = tuple(changed if each == file else each for each in release.overlays)
            other = dataclasses.replace(release, overlays=overlays)
            write(without(given, path), changed)
            is_felt = rendered(other, source) != whole
        else:
            shutil.copytree(source, chart)
            write(without(given, path), chart / file.name)
            is_felt = rendered(release, chart) != whole
        shutil.rmtree(chart)
        return is_felt

    paths = list(leaves(given))
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(has_effect, range(len(paths)), paths))
    return len(paths), [".".join(p) for p, is_felt in zip(paths, found, strict=True) if not is_felt]


def charts() -> list[Release]:
    """Every chart once, in the profile `single` if it is there: no overlay lies over its values."""
    both = [*releases.argo_cds("scaled"), *releases.argo_cds()]
    return list({each.chart: each for each in both}.values())


def files() -> dict[Path, Release]:
    """Every file of values, with a release that it belongs to."""
    bases = {values.PLATFORM / each.chart / "values.yaml": each for each in charts()}
    # Where Argo CD and Tilt release a chart, Argo CD replaces some values: Tilt shows them all.
    overlays = {overlay: r for r in releases.platform() for overlay in r.overlays}
    return {**bases, **overlays}


@pytest.mark.parametrize(
    ("release", "file"),
    [pytest.param(r, f, id=str(f.relative_to(values.PLATFORM))) for f, r in files().items()],
)
def test_every_key_changes_what_is_rendered(release: Release, file: Path, tmp_path: Path) -> None:
    count, idle = ineffective(release, file, tmp_path)
    print(f"{file.name}, {release}: {count} keys deleted in turn, {len(idle)} without effect")
    assert [key for key in idle if key not in SAID] == []


def test_listed_keys_equal_the_defaults_of_the_charts(tmp_path: Path) -> None:
    for release in charts():
        said = {key for key in SAID if key.startswith(f"{release.chart}.")}
        for key in sorted(said):
            chart = shutil.copytree(values.PLATFORM / release.chart, tmp_path / key)
            given = without(values.read(chart / "values.yaml"), tuple(key.split(".")))
            write(given, chart / "values.yaml")
            assert rendered(release, chart) == release.manifests(), key


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    (release,) = (each for each in releases.argo_cds() if each.chart == "jaeger")
    chart = shutil.copytree(values.PLATFORM / "jaeger", tmp_path / "jaeger")
    given = values.read(chart / "values.yaml")
    given["jaeger"]["jaeger"]["securityContexts"] = {"runAsNonRoot": True}
    write(given, chart / "values.yaml")
    _, idle = ineffective(release, chart / "values.yaml", tmp_path, chart)
    assert "jaeger.jaeger.securityContexts.runAsNonRoot" in idle
