"""Images for the node, saved as one archive.

The images are made before the node's namespaces, which have no network. `make build` builds the
service's image on Debian's Python, which stands in for the official image. The images of the
Collector and of the umbrella charts stand in for the official ones: each holds the built tool under
the name that the charts give it. The image of a pod's sandbox runs `sleep`.
"""

import re
import tempfile
from itertools import filterfalse
from pathlib import Path
from typing import Final

from stack.images import image

from tests.node import absent, charts
from tests.platform.charts import releases
from tests.platform.image import engine
from tests.platform.stack import stand_ins

SERVICE: Final = "e2e-node"
# The same image under a second tag, for rolling updates.
NEXT: Final = f"{SERVICE}-next"
SANDBOX: Final = "localhost/ports-platform-sandbox:1"
COLLECTORS: Final = ("agent", "gateway")
# Tool and entry point by the image's name without its tag.
PROGRAMS: Final = {
    "quay.io/prometheus-operator/prometheus-operator": ("operator", "/bin/operator"),
    "quay.io/prometheus-operator/prometheus-config-reloader": (
        "prometheus-config-reloader", "/bin/prometheus-config-reloader",
    ),
    "quay.io/prometheus/node-exporter": ("node_exporter", "/bin/node_exporter"),
    "registry.k8s.io/kube-state-metrics/kube-state-metrics": (
        "kube-state-metrics", "/kube-state-metrics",
    ),
    **{image(name).rpartition(":")[0]: known for name, known in stand_ins.ENTRY_POINTS.items()},
}  # fmt: skip
_IMAGE: Final = re.compile(
    r"""(?:^\s*(?:-\s)?image:\s|--prometheus-config-reloader=)["']?([\w./-]+:[\w.-]+)""",
    re.MULTILINE,
)


def save(archive: Path) -> list[str]:
    """Make all images, save them, and return their names.

    Raises:
        RuntimeError: A program failed; with what it wrote.
    """
    _prune()
    service = engine.build(SERVICE)
    following = service.replace(SERVICE, NEXT)
    engine.podman("tag", service, following)
    with tempfile.TemporaryDirectory() as context:
        sleeps = f'FROM {engine.base_image()}\nENTRYPOINT ["sleep", "infinity"]\n'
        Path(context, "Dockerfile").write_text(sleeps)
        engine.podman("build", "--quiet", "--tag", SANDBOX, context)
    # The default base image of a build, for example by Tilt: here it is Debian's Python.
    dockerfile = (engine.ROOT / "services/ports/Dockerfile").read_text()
    (base,) = re.findall(r"^ARG BASE_IMAGE=(\S+)$", dockerfile, re.MULTILINE)
    engine.podman("tag", engine.build_image(), base)
    programs = rendered() if charts.ARE_REAL else sorted(map(image, COLLECTORS))
    made = absent.make(programs)
    for name in programs:
        if name not in made:
            stand_ins.import_tool(name, *PROGRAMS[name.rpartition(":")[0]])
    names = [service, following, SANDBOX, *programs]
    archive.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    engine.podman("save", "--quiet", "--multi-image-archive", "--output", str(archive), *names)
    return names


def _prune() -> None:
    """Remove images of earlier days, Tilt's among them, and what broken builds left."""
    engine.run("buildah", "rm", "--all")
    engine.podman("image", "prune", "--all", "--force", "--filter", "until=24h")


def rendered() -> list[str]:
    """Full names of the images that the umbrella charts' manifests name."""
    found = set()
    with tempfile.TemporaryDirectory() as folder:
        for name in (*charts.BACKENDS, charts.COLLECTOR, *charts.OF_TILT):
            manifests = charts.release(name).manifests(charts.copy(name, Path(folder)))
            for document in filterfalse(releases.is_crd, releases.documents(manifests)):
                found |= {_full(each) for each in _IMAGE.findall(document)}
    return sorted(found)


def _full(name: str) -> str:
    """The name with its registry, which is Docker's where it names none."""
    return name if "." in name.partition("/")[0] else f"docker.io/{name}"
