"""The examples of a declaration in docs/slo.md are ones that the compiler accepts."""

import re
import shutil
from pathlib import Path

from slo.calendar import Calendar
from slo.declaration import load_service

from tests.service import ROOT


def test_the_documented_declaration_compiles(tmp_path: Path) -> None:
    example, calendar = re.findall(
        r"```yaml\n(.*?)```", (ROOT / "docs/slo.md").read_text(), re.DOTALL
    )
    home = tmp_path / "services" / "ports"
    (home / "runbooks").mkdir(parents=True)
    (home / "runbooks" / "availability.md").touch()
    shutil.copy(ROOT / "services/ports/openapi.json", home)
    (home / "slo.yaml").write_text(example)
    (slo,) = load_service(home / "slo.yaml")
    assert str(slo.objective) == "0.999"
    rolling = "  timeWindow:\n    - duration: 30d\n      isRolling: true\n"
    assert rolling in example
    (home / "slo.yaml").write_text(example.replace(rolling, calendar))
    (slo,) = load_service(home / "slo.yaml")
    assert slo.calendar is Calendar.MONTH
