"""The running service against its own OpenAPI document, over each store."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.seaports.conftest import TOKEN
from tests.service import Service

EXAMPLES = 200  # an operation, in the fuzzing phase and in the stateful one
