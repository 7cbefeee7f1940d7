"""The umbrella chart of Kyverno with the upstream chart that the pinned Go module contains.

The module's version of the chart leaves out two charts that it depends on and that are off here.
The third, which has the kinds of the policies, comes from the module that Kyverno is built with.
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from stack import values
from stack.kubernetes import module

from tests.platform.chart import render
from tests.platform.charts.releases import parsed

TOOL: Final = "kyverno"
NAMESPACE: Final = "kyverno"
OFF: Final = ("openreports", "reports-server")

Object = dict[str, Any]


def rendered(folder: Path) -> list[Object]:
    """Render the umbrella chart as Argo CD's application does.

    Args:
        folder: Where to put a copy of the chart.
    """
    chart = folder / "kyverno"
    shutil.copytree(values.PLATFORM / "kyverno", chart, ignore=shutil.ignore_patterns("charts"))
    upstream = chart / "charts" / "kyverno"
    copy(module(TOOL, "github.com/kyverno/kyverno") / "charts/kyverno", upstream)
    kinds = upstream / "charts" / "kyverno-api"
    copy(module(TOOL, "github.com/kyverno/api") / "charts/kyverno-api", kinds)
    described = values.read(upstream / "Chart.yaml")
    wanted = [each for each in described["dependencies"] if each["name"] not in OFF]
    versions = {each["name"]: each["version"] for each in wanted}
    write(upstream / "Chart.yaml", {**described, "dependencies": wanted})
    (upstream / "Chart.lock").unlink()
    # The module's chart has no version; the release of that chart has the one that is asked for.
    own = {**values.read(kinds / "Chart.yaml"), "version": versions["kyverno-api"]}
    write(kinds / "Chart.yaml", own)
    (given,) = (
        each["spec"]["sources"][0]["helm"]["valuesObject"]
        for each in render.objects(
            render.helm("template", "apps", "platform/argocd/apps", "--values=platform/adopt.yaml")
        )
        if each["kind"] == "Application" and each["metadata"]["name"] == "kyverno"
    )
    (folder / "given.json").write_text(json.dumps(given))
    manifests = render.helm(
        *("template", "kyverno", str(chart), f"--namespace={NAMESPACE}", "--include-crds"),
        f"--values={folder / 'given.json'}",
    )
    return parsed(document for document in manifests.split("\n---\n") if document.strip())


def copy(source: Path, target: Path) -> None:
    """Copy a folder of the module cache, whose files nobody may write."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for each in (target, *target.rglob("*")):
        each.chmod(0o755 if each.is_dir() else 0o644)


def write(file: Path, content: Object) -> None:
    """Write a file of YAML."""
    with file.open("w") as out:
        YAML().dump(content, out)
