"""Upstream charts of the umbrella charts, put where helm looks: `platform/<chart>/charts/`.

`python -m tests.platform.charts.vendor` vendors all of them. They come from the folder that
CHART_STORE names (packed charts and the `index.yaml` of `helm repo index`), or by `helm dependency
update` from their own repositories.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stack import values

from tests.platform.chart import render

STORE = "CHART_STORE"
UMBRELLAS = tuple(
    sorted(
        str(file.parent.relative_to(values.PLATFORM))
        for file in values.PLATFORM.glob("**/Chart.yaml")
        if "dependencies" in values.read(file)
    )
)
HOW_TO_GET = (
    f"set {STORE}=DIR to a folder of packed charts with an index.yaml (helm package, helm repo "
    "index), or run where their repositories can be reached"
)


class MissingError(Exception):
    """An upstream chart is not available; the message says which, why, and what to do."""


@dataclass(frozen=True, order=True)
class Pin:
    """An upstream chart that an umbrella chart depends on."""

    name: str
    version: str

    @property
    def archive(self) -> str:
        """Its file name, as `helm package` gives it."""
        return f"{self.name}-{self.version}.tgz"


def pins(chart: Path) -> list[Pin]:
    """Return what an umbrella chart depends on, each version once."""
    dependencies = values.read(chart / "Chart.yaml")["dependencies"]
    return sorted({Pin(each["name"], each["version"]) for each in dependencies})


def missing(chart: Path) -> list[Pin]:
    """Return the dependencies that do not lie beside an umbrella chart in their pinned version."""
    return [pin for pin in pins(chart) if not (chart / "charts" / pin.archive).is_file()]


def stale(chart: Path) -> list[Path]:
    """Return what lies in an umbrella chart's `charts/` and is not what it depends on."""
    wanted = {pin.archive for pin in pins(chart)}
    return sorted(file for file in chart.glob("charts/*") if file.name not in wanted)


def vendor(chart: Path, store: Path | None = None) -> None:
    """Put an umbrella chart's dependencies into its `charts/`, and remove whatever else is there.

    Raises:
        MissingError: The store lacks a chart, or no repository can be reached.
    """
    for old in stale(chart):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    if not (wanted := missing(chart)):
        return
    if store is None:
        _download(chart)
        return
    (chart / "charts").mkdir(exist_ok=True)
    for pin in wanted:
        shutil.copy(_packed(pin, store), chart / "charts" / pin.archive)


def vendor_all(platform: Path = values.PLATFORM) -> Iterator[str]:
    """Vendor the dependencies of every umbrella chart; yield a line about each.

    Raises:
        MissingError: As `vendor`.
    """
    given = os.environ.get(STORE)
    for name in UMBRELLAS:
        vendor(platform / name, Path(given) if given else None)
        yield f"{name}: {', '.join(pin.archive for pin in pins(platform / name))}"


def _packed(pin: Pin, store: Path) -> Path:
    index = store / "index.yaml"
    if not index.is_file():
        raise MissingError(f"{STORE}={store}: no index.yaml; make it by `helm repo index {store}`")
    for entry in values.read(index)["entries"].get(pin.name, ()):
        if entry["version"] == pin.version:
            file = store / Path(entry["urls"][0]).name
            if not file.is_file():
                raise MissingError(
                    f"{STORE}={store}: the index names {file.name}, which is missing"
                )
            if hashlib.sha256(file.read_bytes()).hexdigest() != entry["digest"]:
                raise MissingError(
                    f"{file}: is not what the index says; run `helm repo index {store}`"
                )
            return file
    raise MissingError(
        f"{STORE}={store}: no {pin.name} {pin.version} in its index; pack that version"
    )


def _download(chart: Path) -> None:
    try:
        render.helm("dependency", "update", str(chart))
    except render.RefusedError as error:
        reason = str(error).strip().splitlines()[-1]
        names = ", ".join(f"{pin.name} {pin.version}" for pin in missing(chart))
        raise MissingError(f"{chart.name} needs {names}: {HOW_TO_GET} ({reason})") from error


def main() -> int:
    """Vendor everything; 1 if a chart is not available."""
    try:
        for line in vendor_all():
            print(line)
    except MissingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
