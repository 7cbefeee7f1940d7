"""The file that says what a service's environment runs."""

import re
from pathlib import Path
from typing import Final

from promote.errors import PromotionError

FOLDER: Final = Path("platform/argocd/environments")
# Only the digest is written, so that comments and layout stay as people wrote them.
_DIGEST: Final = re.compile(
    r"^(?P<key>image:.*\n(?:(?:[ #].*)?\n)*?[ ]+digest:)[ ]*"
    r"(?P<quote>[\"']?)(?P<digest>[^\s\"'#]*)(?P=quote)",
    re.MULTILINE,
)
# A block `image:`, with the indentation of its first key.
_BLOCK: Final = re.compile(
    r"^image:[ ]*(?:#.*)?\n(?=(?:[ ]*(?:#.*)?\n)*(?P<indent>[ ]+)[^ #\n]|)", re.MULTILINE
)
_IMAGE: Final = re.compile(r"^image:", re.MULTILINE)


def path_of(service: str, environment: str) -> Path:
    """Path of a service's file for an environment, inside the repository."""
    return FOLDER / environment / f"{service}.yaml"


def digest_in(text: str, where: Path) -> str:
    """Return the digest that an environment's file names.

    Raises:
        PromotionError: it names none, because nothing was published or promoted to it yet.
    """
    found = _DIGEST.search(text)
    digest = found["digest"] if found else "missing"
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise PromotionError(
            f"{where}: image.digest: {digest}; it must be sha256:<64 hex digits>,"
            " which a release or a promotion writes"
        )
    return digest


def with_digest(text: str, digest: str, where: Path) -> str:
    """Return an environment's file with this digest, all else as it was.

    Raises:
        PromotionError: `image` is not a block, which a digest can be added to.
    """
    if found := _DIGEST.search(text):
        return f"{text[: found.end('key')]} {digest}{text[found.end() :]}"
    if block := _BLOCK.search(text):
        line = f"{block['indent'] or '  '}digest: {digest}\n"
        return text[: block.end()] + line + text[block.end() :]
    if _IMAGE.search(text):
        raise PromotionError(f"{where}: image: must have one line for each key, not braces")
    ended = text if text[-1:] in {"", "\n"} else f"{text}\n"
    return f"{ended}image:\n  digest: {digest}\n"
