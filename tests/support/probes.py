"""An SLO on probes from outside, and its prober, as the page has them."""

import re
import shutil
from pathlib import Path

from tests.service import ROOT

PAGE = ROOT / "docs/how-to/probe-from-outside.md"
PROBER, DECLARATION = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)


def declared(folder: Path, text: str = DECLARATION) -> Path:
    """Write the page's declaration where the service's contract is; return its file."""
    home = folder / "services" / "ports"
    (home / "runbooks").mkdir(parents=True)
    (home / "runbooks" / "reachability.md").touch()
    shutil.copy(ROOT / "services/ports/openapi.json", home)
    (home / "slo.yaml").write_text(text)
    return home / "slo.yaml"
