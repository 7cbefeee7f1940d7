"""Images for the node, saved as one archive.

The images are made before the node's namespaces, which have no network. `make build` builds the
service's image on Debian's Python, which stands in for the official image. The Collector's image
stands in for the official one: it holds the built tool. The image of a pod's sandbox runs `sleep`.
"""

import re
import tempfile
from pathlib import Path
from typing import Final

from stack.images import image

from tests.platform.image import engine
from tests.platform.stack import stand_ins

SERVICE: Final = "e2e-node"
# The same image under a second tag, for rolling updates.
NEXT: Final = f"{SERVICE}-next"
SANDBOX: Final = "localhost/ports-platform-sandbox:1"
COLLECTORS: Final = ("agent", "gateway")


def save(archive: Path) -> list[str]:
    """Make all images, save them, and return their names.

    Raises:
        RuntimeError: A program failed; with what it wrote.
    """
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
    for component in COLLECTORS:
        stand_ins.import_image(component)
    names = [service, following, SANDBOX, *map(image, COLLECTORS)]
    archive.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    engine.podman("save", "--quiet", "--multi-image-archive", "--output", str(archive), *names)
    return names
