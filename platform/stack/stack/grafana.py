"""Grafana, where it can be had: its binary on the PATH, or its image by a container engine."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from stack import values
from stack.addresses import HOST
from stack.components import Site
from stack.process import Process
from stack.values import ROOT, Values

ENGINES: Final = ("docker", "podman")
DASHBOARDS: Final = ROOT / "platform" / "generated"
IMAGE: Final = f"docker.io/grafana/grafana:{values.grafana_version()}"
HOW_TO_GET: Final = (
    "grafana       not started: no `grafana` on the PATH, and no container engine that answers and "
    f"has {IMAGE}; start docker or podman, or get Grafana from grafana.com/grafana/download, and "
    "start again: it provisions itself"
)
# Of a client without its server, which may wait for an answer.
ENGINE_SECONDS: Final = 10.0


def grafana(site: Site) -> Process | None:
    """Grafana provisioned as in a cluster; None where it cannot be had."""
    env = _settings(site)
    if program := shutil.which("grafana"):
        home = os.environ.get("GF_PATHS_HOME", "/usr/share/grafana")
        env["GF_PATHS_DATA"] = str(site.folder("grafana", "data"))
        command = [program, "server", f"--homepath={home}"]
    elif (engine := _engine()) and _has_image(engine):
        command, env = _container(engine, site, env), {}
    else:
        return None
    return site.process("grafana", command, site.addresses.url("grafana") + "/api/health", env)


def _settings(site: Site) -> dict[str, str]:
    """Write the provisioning files, and return the environment that leads to them."""
    provisioning = site.folder("grafana", "provisioning").resolve()
    for kind, content in {
        "datasources": values.grafana_datasources(),
        "dashboards": dashboard_provider(DASHBOARDS),
    }.items():
        with (site.folder("grafana", "provisioning", kind) / "local.yaml").open("w") as out:
            YAML().dump(content, out)
    at = site.addresses
    return {
        "GF_PATHS_PROVISIONING": str(provisioning),
        "GF_SERVER_HTTP_ADDR": HOST,
        "GF_SERVER_HTTP_PORT": str(at.port("grafana")),
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


def _engine() -> str | None:
    """Path of the first container engine that answers; its client alone is none."""
    for name in ENGINES:
        program = shutil.which(name)
        if program and _succeeds(program, "info"):
            return program
    return None


def _has_image(engine: str) -> bool:
    """Whether the engine has Grafana's image, or can pull it; it tells people how that goes."""
    if _succeeds(engine, "image", "inspect", IMAGE):
        return True
    return subprocess.run([engine, "pull", IMAGE], check=False).returncode == 0  # noqa: S603


def _succeeds(*command: str) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - our own command lines
            command, capture_output=True, timeout=ENGINE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _container(engine: str, site: Site, env: Mapping[str, str]) -> list[str]:
    """Run Grafana's image in the foreground, so that a signal to the client reaches it.

    It shares the host's network, as the backends listen on localhost alone, and sees the
    provisioning files and dashboards at the paths that they have outside. Its data goes with it.
    """
    mounted = (env["GF_PATHS_PROVISIONING"], str(DASHBOARDS))
    return [
        engine, "run", "--rm", f"--name=ports-platform-grafana-{site.addresses.port('grafana')}",
        "--network=host",
        "--security-opt=label=disable",  # where SELinux would not let it read a home directory
        *(f"--volume={folder}:{folder}:ro" for folder in mounted),
        *(f"--env={name}={value}" for name, value in env.items()),
        IMAGE,
    ]  # fmt: skip
