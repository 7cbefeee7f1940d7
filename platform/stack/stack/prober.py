"""Cloudprober, which asks the service as a client does, by its image or its binary."""

from pathlib import Path
from typing import Final

from stack import values
from stack.backend import Backend
from stack.components import SERVICE, Site
from stack.images import image
from stack.values import Values
from stack.ways import BIN, building

PROGRAM: Final = "cloudprober"


def prober(site: Site) -> Backend:
    """The prober of the ports service, without which the stack goes on: a build takes too long."""
    at = site.addresses
    listening = {"host": at.listen, "port": at.own_port("prober")}
    asking = config(settings(SERVICE), at.reach, at.port("ports"))
    file = site.config("prober", asking | listening)
    arguments = [f"--config_file={file}"]
    process = site.backend(prober, "prober", PROGRAM, arguments, at.url("prober") + "/health")
    if not (BIN / PROGRAM).exists():
        process.ways = [way for way in process.ways if way is not building]
    process.needed = False
    return process


def how_to_get() -> str:
    """Say how to get the program, in one line of the table of backends."""
    return (
        "prober        not started. It needs docker or podman, which must have or pull "
        f"{image('prober')}, or `{PROGRAM}` on the PATH, or a build of 25 minutes (make tools "
        f"TOOLS={PROGRAM})."
    )


def settings(service: Path) -> Values:
    """Values of the service chart about the prober of the service in a folder."""
    merged = values.merge(values.chart("chart"), values.read(service / "values.yaml"))
    found: Values = merged["prober"]
    return found


def config(prober: Values, host: str, port: int) -> Values:
    """Cloudprober's configuration as the service chart makes it (_helpers.tpl, service.prober).

    Args:
        prober: The chart's values about the prober.
        host: Where the service is.
        port: Its port.
    """
    interval, timeout = (prober[f"{name}Seconds"] * 1000 for name in ("interval", "timeout"))
    return {
        "port": prober["port"],
        "probe": [
            {
                "name": route,
                "type": "HTTP",
                "targets": {"host_names": host},
                "interval_msec": interval,
                "timeout_msec": timeout,
                "stats_export_interval_msec": interval,
                "http_probe": {"relative_url": path, "port": port},
                "validator": [
                    {"name": "status", "http_validator": {"success_status_codes": "200-299"}}
                ],
            }
            for route, path in prober["probes"].items()
        ],
        "surfacer": [
            {
                "type": "PROMETHEUS",
                "prometheus_surfacer": {
                    "metrics_prefix": "cloudprober_",
                    "include_timestamp": False,
                },
            }
        ],
    }
