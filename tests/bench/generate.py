"""Writes a file of as many ports as asked for, made of the real ones under new UN/LOCODEs."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import orjson
from tqdm import tqdm

from tests.service import FOLDER

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS_AND_DIGITS = LETTERS + "23456789"


def unlocodes() -> Iterator[str]:
    """Yield every possible UN/LOCODE in ascending order of its characters' places above."""
    places = [LETTERS, LETTERS, *[LETTERS_AND_DIGITS] * 3]
    return map("".join, itertools.product(*places))


def write(path: Path, records: int) -> None:
    """Write the file."""
    ports = list(orjson.loads((FOLDER / "data/ports.json").read_bytes()).values())
    with path.open("wb") as file:
        file.write(b"{")
        numbered = enumerate(itertools.islice(unlocodes(), records))
        for number, key in tqdm(numbered, "generate", records, leave=False, disable=None):
            port = {**ports[number % len(ports)], "unlocs": [key]}
            comma = b"," if number else b""
            file.write(comma + orjson.dumps(key) + b":" + orjson.dumps(port))
        file.write(b"}")
