"""SLOs that an environment does not have: those on probes, if its file switches no prober on."""

from pathlib import Path

from slo import probes, series
from slo.model import Slo
from slo.prometheus import Prometheus
from slo.windows import BASE_WINDOW


def why_unmeasured(server: Prometheus, slo: Slo, environment: str, root: Path) -> str | None:
    """Tell why an SLO does not count in an environment; None where it counts.

    Args:
        server: where the SLOs are recorded.
        slo: the SLO.
        environment: value of the environment label.
        root: the repository, whose files say which environments have a prober.

    Raises:
        PrometheusError: the server cannot be asked, or its answer cannot be relied on.
    """
    if not slo.total.family.outside or probes.runs(root, slo.service, environment):
        return None
    rate = series.of_slo(series.total(BASE_WINDOW), slo)
    if server.query(series.in_environment(rate, environment)):
        return None
    file = probes.environment_file(Path(), slo.service, environment)
    return f"not measured: {file} switches no prober on"
