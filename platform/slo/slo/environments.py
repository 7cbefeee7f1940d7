"""Requirements of environments on the SLOs of a service: a Rollout needs SLOs that can judge it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from slo.analysis import judging
from slo.model import Slo
from slo.probes import environment_files
from slo.source import Problem, read_documents

NOBODY_JUDGES: Final = (
    "must be false: all SLOs of {service} are measured by probes, which reach both versions. "
    "Set it to false, or add an SLO that the service counts itself to services/{service}/slo.yaml"
)


def unjudged(root: Path, service: str, slos: Sequence[Slo]) -> Iterator[Problem]:
    """Find environments where a service takes traffic step by step and no SLO can judge it.

    Args:
        root: Root folder of the repository.
        service: The service's name.
        slos: All SLOs of the service.
    """
    if judging(slos):
        return
    for file in sorted(environment_files(root, service)):
        for document in read_documents(file):
            if (document.data.get("rollout") or {}).get("enabled"):
                message = NOBODY_JUDGES.format(service=service)
                yield document.problem(("rollout", "enabled"), message)
