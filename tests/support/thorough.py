"""The number of examples of generated tests: an eighth by default, all with THOROUGH=1."""

import os
from typing import Final

import hypothesis

THOROUGH: Final = os.environ.get("THOROUGH") == "1"


def examples(number: int) -> hypothesis.settings:
    """Have a property test try this many examples, or an eighth of them."""
    return hypothesis.settings(max_examples=scaled(number))


def scaled(number: int) -> int:
    """Return how many of these examples are tried."""
    return number if THOROUGH else number // 8
