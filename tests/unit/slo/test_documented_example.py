"""The example of a declaration in docs/slo.md is one that the compiler accepts."""

import re
import shutil
from pathlib import Path

from slo.declaration import load_service

from tests.service import ROOT


def test_the_documented_declaration_compiles(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/slo.md").read_text(), re.DOTALL)
    home = tmp_path / "services" / "ports"
    (home / "runbooks").mkdir(parents=True)
    (home / "runbooks" / "availability.md").touch()
    shutil.copy(ROOT / "services/ports/openapi.json", home)
    (home / "slo.yaml").write_text(example)
    (slo,) = load_service(home / "slo.yaml")
    assert str(slo.objective) == "0.999"
