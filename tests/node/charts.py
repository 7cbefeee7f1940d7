"""The umbrella charts, with the upstream charts of CHART_STORE or with a stand-in for one."""

import os
import shutil
from pathlib import Path
from typing import Final

from stack import values

from tests.node import machine
from tests.platform.charts import releases, vendor
from tests.platform.charts.releases import Release

ARE_REAL: Final = vendor.STORE in os.environ
COLLECTOR: Final = "otel-collector"
# In the order of Argo CD's waves. No module of Grafana's program is available.
BACKENDS: Final = ("prometheus", "jaeger", "loki")
OF_TILT: Final = ("grafana", "argocd/install")
STAND_IN: Final = Path(__file__).with_name("chart") / "opentelemetry-collector"
UNPINNED: Final = "version: 0.0.0"


def copy(name: str, folder: Path, *, is_real: bool = ARE_REAL) -> Path:
    """Copy an umbrella chart, with its dependency of CHART_STORE or with the stand-in."""
    chart = folder / name
    shutil.copytree(values.PLATFORM / name, chart, ignore=shutil.ignore_patterns("charts"))
    if is_real:
        vendor.vendor(chart, Path(os.environ[vendor.STORE]))
        return chart
    (pin,) = vendor.pins(chart)
    stand_in = chart / "charts" / pin.name
    shutil.copytree(STAND_IN, stand_in)
    described = (stand_in / "Chart.yaml").read_text()
    (stand_in / "Chart.yaml").write_text(described.replace(UNPINNED, f"version: {pin.version}"))
    return chart


def release(name: str) -> Release:
    """Return what Argo CD releases of an umbrella chart."""
    (found,) = (each for each in releases.argo_cds() if each.chart == name)
    return found


def stand_ins() -> list[str]:
    """One line about each stand-in, and about each thing that the node leaves out."""
    said = [
        "images: built tools under the official names; a pod's sandbox runs Debian's sleep",
        "network: a bridge, which enforces no NetworkPolicy",
    ]
    if machine.IS_IPV6:
        return [*said, "left out: observability, whose backends `make test-ipv6` runs"]
    if not ARE_REAL:
        return [
            *said,
            "backends: Jaeger, Loki, Prometheus, Alertmanager beside the node, as in make stack",
            "chart: opentelemetry-collector: tests/node/chart (no CHART_STORE)",
        ]
    return [
        *said,
        "left out: Grafana, no module of which is to be had",
        "left out: kube-webhook-certgen, for the same reason: openssl makes the certificate",
        "left out: the scrape of CoreDNS: it runs beside the node, and the chart wants a pod",
        "control plane: its scrape is switched on, by the address of the processes beside the node",
        "time: in the service's rules and in Alertmanager's routes an hour lasts a minute",
    ]
