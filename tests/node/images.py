"""Images for the node, saved as one archive: `python -m tests.node.images ARCHIVE`.

They are made before the node's namespaces, where no network is. The service's image is what `make
build` makes. The Collector's stands in for the official one: the built tool under its name. The
sandbox of a pod is a program that sleeps.
"""

import sys
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
    for component in COLLECTORS:
        stand_ins.import_image(component)
    names = [service, following, SANDBOX, *map(image, COLLECTORS)]
    archive.unlink(missing_ok=True)
    archive.parent.mkdir(parents=True, exist_ok=True)
    engine.podman("save", "--quiet", "--multi-image-archive", "--output", str(archive), *names)
    return names


if __name__ == "__main__":
    print(*save(Path(sys.argv[1])), sep="\n")
