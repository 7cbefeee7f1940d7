"""The service's image: built from the demo's clone, and pushed to the demo's registry."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from demo.errors import DemoError
from demo.programs import run

# The folders that .dockerignore lets into a build.
CONTEXT: Final = ("packages", "requirements", "services")


@dataclass(frozen=True)
class Builder:
    """Builds and pushes images.

    Attributes:
        engine: The container engine's command, docker or podman.
        crane: Path of crane, which pushes without the engine's settings about registries.
        make: Words that begin each call of make.
    """

    engine: Sequence[str]
    crane: str
    make: Sequence[str] = ("make", "--no-print-directory")

    def publish(self, source: Path, service: str, registry: str) -> tuple[str, bool]:
        """Push the image of a repository's last commit, and return its digest.

        The tag is a hash of the committed files that an image is built from. If the registry has
        the image already, this neither builds nor pushes.

        Args:
            source: The repository.
            service: The service.
            registry: The registry's address on this machine.

        Returns:
            The digest, and whether it was built.

        Raises:
            DemoError: The build or the push failed.
        """
        trees = run("git", "rev-parse", *(f"HEAD:{name}" for name in CONTEXT), cwd=source)
        tag = f"demo-{sha256(trees.encode()).hexdigest()[:12]}"
        pushed = f"{registry}/{service}:{tag}"
        if digest := self._digest(pushed):
            return digest, False
        engine = shlex.join(self.engine)
        words = [*self.make, f"SERVICE={service}", f"TAG={tag}", f"ENGINE={engine}"]
        run(*words, "build", cwd=source)
        built = self._tagged(service, tag)
        with TemporaryDirectory() as folder:
            archive = f"{folder}/image.tar"
            run(*self.engine, "save", "--output", archive, built)
            run(self.crane, "push", archive, pushed)
        if digest := self._digest(pushed):
            return digest, True
        raise DemoError(f"{pushed}: pushed, but the registry does not have it")

    def remove(self, service: str) -> None:
        """Delete the demo's images of a service from the engine."""
        if images := self._images(service, "demo-"):
            run(*self.engine, "image", "rm", "--force", *images)

    def _tagged(self, service: str, tag: str) -> str:
        if images := self._images(service, tag):
            return images[0]
        raise DemoError(
            f"{service}:{tag}: not among the images of {self.engine[0]} after the build"
        )

    def _images(self, service: str, tag: str) -> list[str]:
        """Names of a service's images whose tag begins with `tag`."""
        listed = run(*self.engine, "image", "ls", "--format={{.Repository}}:{{.Tag}}")
        return [name for name in listed.split() if f"/{service}:{tag}" in name]

    def _digest(self, name: str) -> str:
        """Digest of an image in the registry; empty if it is not there."""
        try:
            return run(self.crane, "digest", name).strip()
        except DemoError as error:
            if "MANIFEST_UNKNOWN" in str(error) or "NAME_UNKNOWN" in str(error):
                return ""
            raise
