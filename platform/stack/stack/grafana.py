"""Grafana, provisioned as in a cluster: by its image or its binary, if either is available."""

import os
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from stack import values
from stack.backend import Backend
from stack.components import Site
from stack.images import image
from stack.values import GENERATED, Values
from stack.ways import building, built

HOW_TO_GET: Final = (
    "grafana       not started. It needs docker or podman, which must have or pull "
    f"{image('grafana')}, or `grafana` on the PATH (grafana.com/grafana/download). It provisions "
    "itself."
)


def grafana(site: Site) -> Backend:
    """Grafana, without which the stack goes on. No pinned tool builds it."""
    env = _settings(site)
    process = site.backend(
        grafana, "grafana", "grafana", [], site.addresses.url("grafana") + "/api/health", env
    )
    process.ways = [way for way in site.ways if way not in (built, building)]
    home = os.environ.get("GF_PATHS_HOME", "/usr/share/grafana")
    process.binary_arguments = ["server", f"--homepath={home}"]
    process.needed = False
    return process


def _settings(site: Site) -> dict[str, str]:
    """Write the provisioning files, and return the environment that leads to them."""
    provisioning = site.folder("grafana", "provisioning")
    for kind, content in {
        "datasources": values.grafana_datasources(),
        "dashboards": dashboard_provider(GENERATED),
    }.items():
        with (site.folder("grafana", "provisioning", kind) / "local.yaml").open("w") as out:
            YAML().dump(content, out)
    at = site.addresses
    return {
        "GF_PATHS_DATA": str(site.folder("grafana", "data")),
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_SERVER_HTTP_ADDR": at.listen,
        "GF_SERVER_HTTP_PORT": str(at.own_port("grafana")),
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Admin",
        "PROMETHEUS_URL": at.url("prometheus"),
        "ALERTMANAGER_URL": at.url("alertmanager"),
        "JAEGER_URL": at.url("jaeger"),
        "LOKI_URL": at.url("loki"),
    }


def dashboard_provider(folder: Path) -> Values:
    """Grafana's dashboard provisioning: every dashboard under `folder`, a folder per service."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "generated",
                "type": "file",
                "disableDeletion": True,
                "options": {"path": str(folder), "foldersFromFilesStructure": True},
            }
        ],
    }
