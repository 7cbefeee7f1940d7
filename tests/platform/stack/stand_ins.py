"""Images that stand in for the official ones: the built tools under the official names.

Where these tests run there is no registry. Each image has the entry point and the user of the
official one, and holds the built tool, so what is tested is how podman runs them, not upstream's
files. They live in a store of their own: a machine's own images stay as they are.
"""

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from stack.images import image
from stack.ways import tool

# Component, tool and entry point, from the upstream Dockerfiles; each runs as a user of its own.
ENTRY_POINTS: Final = {
    "prometheus": ("prometheus", "/bin/prometheus"),
    "alertmanager": ("alertmanager", "/bin/alertmanager"),
    "jaeger": ("jaeger", "/cmd/jaeger/jaeger-linux"),
    "loki": ("loki", "/usr/bin/loki"),
    "agent": ("otelcol", "/otelcol-k8s"),
    "gateway": ("otelcol", "/otelcol-contrib"),
}
# For root: crun fails under hybrid cgroups, and a sandbox may not grant the usual limits.
CONTAINERS_CONF: Final = """
[engine]
runtime = "runc"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
"""


def configuration(folder: Path) -> dict[str, str]:
    """Variables by which podman keeps images and containers in `folder`."""
    (folder / "containers.conf").write_text(CONTAINERS_CONF if os.geteuid() == 0 else "")
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/images"\nrunroot = "{folder}/run"\n'
    )
    return {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
    }


def import_image(component: str) -> None:
    """Make the image of a component from the built tool."""
    import_tool(image(component), *ENTRY_POINTS[component])


def import_tool(name: str, program: str, entry_point: str) -> None:
    """Make an image of a built tool, which lies at the entry point."""
    files = {str(library): library for library in libraries(tool(program))}
    import_files(name, entry_point, {entry_point: Path(tool(program)), **files})


def import_files(name: str, entry_point: str, files: Mapping[str, Path]) -> None:
    """Make an image of files, by their paths in it, with /tmp and a user of its own."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path, file in files.items():
            tar.add(file.resolve(), path)
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        tar.addfile(tmp)
    changes = (f'ENTRYPOINT ["{entry_point}"]', "USER 10001", 'CMD ["--of-the-image"]')
    podman("import", *(f"--change={each}" for each in changes), "-", name, given=archive.getvalue())


def podman(*arguments: str, given: bytes = b"") -> str:
    """Run podman with an input, and return what it printed.

    Raises:
        RuntimeError: It failed; with what it wrote.
    """
    done = subprocess.run(["podman", *arguments], input=given, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr.decode()}")
    return done.stdout.decode()


def libraries(program: str) -> list[Path]:
    """Shared libraries of a program, the loader among them; none if it is static."""
    told = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in re.findall(r"(/\S+) \(0x", told)]
