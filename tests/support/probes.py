"""The SLO of ports on probes from outside, alone in a repository of its own."""

import shutil
from pathlib import Path

from tests.service import ROOT

SERVICE = ROOT / "services/ports"
(DECLARATION,) = (
    text
    for text in (SERVICE / "slo.yaml").read_text().split("\n---\n")
    if "metric: cloudprober_total" in text
)


def declared(folder: Path, text: str = DECLARATION) -> Path:
    """Write a declaration where the service's contract is; return its file."""
    home = folder / "services" / SERVICE.name
    (home / "runbooks").mkdir(parents=True)
    (home / "runbooks" / "reachability.md").touch()
    for contract in ("openapi.json", "values.yaml"):
        shutil.copy(SERVICE / contract, home)
    (home / "slo.yaml").write_text(text)
    return home / "slo.yaml"
