"""Images for the node, saved as one archive.

They are made before the node's namespaces, where no network is. The service's image is what `make
build` makes, on Debian's Python in the place of the official image. The Collector's image stands in
for the official one: the built tool under its name. The sandbox of a pod is a program that sleeps.
"""

import re
import tempfile
from pathlib import Path
from typing import Final

from stack.images import image

from tests.platform.image import engine
from tests.platform.stack import stand_ins

SERVICE: Final = "e2e-node"
# The same image under another tag: what a rolling update needs.
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
    # What a build takes by default, such as Tilt's: here Debian's own Python.
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
