"""A registry on this machine with signed and unsigned images, by the pinned crane and cosign.

The images are signed as `make sign` does, except for the key. A key pair stands in for the
workflow's identity, because its certificate authority and transparency log are out of reach.
"""

import os
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stack.components import Site
from stack.stack import READY_SECONDS
from stack.ways import tool

# Nothing is logged where anyone could look it up.
OFFLINE: Final = ("--use-signing-config=false", "--tlog-upload=false")


@dataclass
class Registry:
    """A registry, and where its keys lie."""

    address: str
    folder: Path

    def push(self, name: str) -> str:
        """Push an image of one file, which has the image's name; return the image by digest."""
        content, layer = self.folder / name, self.folder / f"{name}.tar"
        content.write_text(name)
        with tarfile.open(layer, "w") as archive:
            archive.add(content, arcname=name)
        tag = f"--new_tag={self.address}/ports:{name}"
        flags = ("--insecure", "--oci-empty-base")
        return _run("crane", "append", f"--new_layer={layer}", tag, *flags).strip()

    def sign(self, image: str, key: str) -> None:
        """Sign an image with a private key."""
        file = self.folder / f"{key}.key"
        given = (f"--key={file}", "--recursive", "--yes", "--allow-http-registry", *OFFLINE)
        _run("cosign", "sign", *given, image)

    def make_key(self, key: str) -> str:
        """Make a key pair; return the public key."""
        _run("cosign", "generate-key-pair", f"--output-key-prefix={self.folder / key}")
        return (self.folder / f"{key}.pub").read_text()


@contextmanager
def serving(site: Site, folder: Path) -> Iterator[Registry]:
    """Serve an empty registry, whose images are kept in memory."""
    address = site.addresses.endpoint("registry")
    command = [tool("crane"), "registry", "serve", f"--address={address}"]
    process = site.process("registry", command, f"http://{address}/v2/")
    process.start()
    try:
        process.wait_ready(READY_SECONDS)
        yield Registry(address, folder)
    finally:
        process.stop()


def _run(program: str, *arguments: str) -> str:
    env = {**os.environ, "COSIGN_PASSWORD": ""}
    done = subprocess.run(
        [tool(program), *arguments], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{program} {' '.join(arguments)}: {done.stderr}"
    return done.stdout
