"""The file that says what a service's environment runs."""

import re
from pathlib import Path
from typing import Final

from promote.errors import PromotionError

FOLDER: Final = Path("platform/argocd/environments")
# The digest alone is replaced, so that comments and layout stay as people wrote them.
_DIGEST: Final = re.compile(
    r"^(?P<before>image:\n(?:[ #].*\n|\n)*?[ ]+digest:[ ]*[\"']?)(?P<digest>sha256:[0-9a-f]{64})",
    re.MULTILINE,
)
NO_IMAGE: Final = "sha256:" + "0" * 64


def path_of(service: str, environment: str) -> Path:
    """Path of a service's file for an environment, inside the repository."""
    return FOLDER / environment / f"{service}.yaml"


def digest_in(text: str, where: Path) -> str:
    """Return the digest that an environment's file names.

    Raises:
        PromotionError: it names none, or the one that stands for "nothing published yet".
    """
    digest = _found(text, where)["digest"]
    if digest == NO_IMAGE:
        raise PromotionError(f"{where}: image.digest: no image has been published to it yet")
    return digest


def with_digest(text: str, digest: str, where: Path) -> str:
    """Return an environment's file with another digest, all else as it was.

    Raises:
        PromotionError: it has no digest to replace.
    """
    found = _found(text, where)
    return text[: found.start("digest")] + digest + text[found.end("digest") :]


def _found(text: str, where: Path) -> re.Match[str]:
    if (found := _DIGEST.search(text)) is None:
        raise PromotionError(f"{where}: image.digest: missing; it must be sha256:<64 hex digits>")
    return found
