"""Releases of ports by the real chart, as they go through the real controllers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from promote.environment import path_of
from ruamel.yaml import YAML
from slo.analysis import analysis_template
from slo.declaration import load_service
from slo.rules import Clock
from stack import kubernetes
from stack.cluster import Cluster
from stack.errors import StackError
from stack.ways import BIN

from tests import terminal
from tests.platform.chart import render
from tests.platform.slo.real import ROOT, Prometheus
from tests.rollouts.exporter import PATH, Exporter, Traffic

SCALE: Final = 1 / 20  # five minutes are 15 s
PATIENCE_SECONDS: Final = 150.0
HASH: Final = "rollouts-pod-template-hash"
# Kinds whose controllers do not run here.
LEFT_OUT: Final = ("ServiceMonitor",)

Object = dict[str, Any]
T = TypeVar("T")


def scraping(kubeconfig: Path, exporter: int) -> Object:
    """Make Prometheus' configuration: each ready pod of ports is a target.

    The labels are those that the operator gives the targets of the chart's ServiceMonitor.
    """
    pod = "__meta_kubernetes_pod"
    space = "__meta_kubernetes_namespace"
    job = {
        "job_name": "ports",
        "kubernetes_sd_configs": [{"role": "endpointslice", "kubeconfig_file": str(kubeconfig)}],
        "relabel_configs": [
            {
                "action": "keep",
                "source_labels": ["__meta_kubernetes_endpointslice_port_name"],
                "regex": "metrics",
            },
            {
                "action": "keep",
                "source_labels": [f"{pod}_label_app_kubernetes_io_component"],
                "regex": "server",
            },
            {
                "source_labels": [f"{pod}_label_{HASH.replace('-', '_')}"],
                "regex": "(.+)",
                "target_label": HASH.replace("-", "_"),
            },
            {"target_label": "service_name", "replacement": "ports"},
            {
                "source_labels": [space],
                "regex": "ports-(.+)",
                "target_label": "deployment_environment_name",
            },
            {"source_labels": [f"{pod}_name"], "target_label": "pod"},
            {
                "source_labels": [f"{pod}_name"],
                "regex": "(.+)",
                "replacement": f"{PATH}$1",
                "target_label": "__metrics_path__",
            },
            {"target_label": "__address__", "replacement": f"127.0.0.1:{exporter}"},
        ],
    }
    return {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "scrape_configs": [job],
    }


@dataclass
class Rig:
    """The cluster, what its pods count, and who reads it."""

    cluster: Cluster
    exporter: Exporter
    server: Prometheus
    stop_prometheus: Callable[[], None]

    def service(self, environment: str, **changes: Any) -> "Service":
        """Deploy ports to an environment of its own for the first time, and wait for its pods."""
        self.exporter.default = Traffic()
        service = Service(self, environment, template(**changes))
        service.release("1")
        service.wait("Healthy")
        self.wait_scraped(environment)
        return service

    @property
    def environment(self) -> dict[str, str]:
        """Variables of a terminal that reaches the cluster."""
        return {
            "KUBECONFIG": str(kubernetes.kubeconfig(self.cluster.site)),
            "PATH": f"{BIN}:{terminal.fresh_environment()['PATH']}",
        }

    def shell(self, command: str) -> None:
        """Type a command in a terminal."""
        terminal.run(command, folder=ROOT, env=self.environment)

    def wait_scraped(self, environment: str) -> None:
        """Wait until Prometheus has rates of the environment's requests."""
        expr = (
            f'sum(rate(http_server_request_duration_seconds_count{{deployment_environment_name="'
            f'{environment}"}}[15s])) > 50'
        )
        eventually(lambda: bool(self.server.query(expr, time.time())), "nothing is scraped")


def template(without: str = "") -> Object:
    """Make the AnalysisTemplate of ports with time compressed, without metrics of a suffix."""
    slos = load_service(ROOT / "services/ports/slo.yaml")
    made = analysis_template("ports", slos, Clock(SCALE))
    if without:
        metrics = made["spec"]["metrics"]
        made["spec"]["metrics"] = [each for each in metrics if not each["name"].endswith(without)]
        assert len(made["spec"]["metrics"]) < len(metrics)
    return made


@dataclass
class Service:
    """ports in one environment, deployed with prod's values."""

    rig: Rig
    environment: str
    template: Object

    @property
    def space(self) -> str:
        return f"--namespace=ports-{self.environment}"

    def release(self, digit: str, *more: str) -> None:
        """Apply what the chart renders of an image, the template of the analysis first."""
        given = (f"environment={self.environment}", f"image.digest=sha256:{digit * 64}")
        manifests = render.environment("prod", *(f"--set={each}" for each in given), *more)
        space = {"name": f"ports-{self.environment}"}
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": space}
        self.rig.cluster.apply([namespace])
        objects = [each for each in render.objects(manifests) if each["kind"] not in LEFT_OUT]
        objects = [each for each in objects if "helm.sh/hook" not in str(each["metadata"])]
        self.rig.cluster.apply([self.template], self.space)
        self.rig.cluster.apply(objects, self.space)

    def release_canary(self, digit: str, traffic: Traffic) -> str:
        """Release an image whose pods will have this traffic; return its pod-template hash."""
        before = self.status()["currentPodHash"]
        exporter = self.rig.exporter
        exporter.traffic[before], exporter.default = Traffic(), traffic
        self.release(digit)

        def new() -> str:
            found: str = self.status().get("currentPodHash", "")
            return "" if found == before else found

        return eventually(new, "no new version")

    def rollout(self) -> Object:
        found: Object = self.rig.cluster.get("rollout", "ports", self.space)
        return found

    def status(self) -> Object:
        """Return the Rollout's status, empty if the controller has not seen the last change."""
        found = self.rollout()
        status: Object = found.get("status", {})
        seen = status.get("observedGeneration") == str(found["metadata"]["generation"])
        return status if seen else {}

    def wait(self, phase: str) -> float:
        """Wait until the Rollout has a phase; return how long it took."""
        begin = time.monotonic()
        eventually(lambda: self.status().get("phase") == phase, f"not {phase}", self.told)
        return time.monotonic() - begin

    def told(self) -> str:
        """Return the messages of the Rollout and of each AnalysisRun, for a failing test."""
        status = self.rollout().get("status", {})
        said = [f"{status.get('phase')}: {status.get('message')}"]
        return "\n".join([*said, *(f"{each}" for each in self.analyses())])

    def analyses(self) -> list[Object]:
        """Return phase and message of each AnalysisRun, oldest first."""
        runs = self.rig.cluster.get("analysisruns", self.space)
        runs = sorted(runs, key=lambda each: str(each["metadata"]["creationTimestamp"]))
        return [
            {key: run.get("status", {}).get(key, "") for key in ("phase", "message")}
            for run in runs
        ]

    def versions(self) -> dict[str, int]:
        """Return the number of pods by pod-template hash."""
        selector = f"--selector={HASH}"
        counts: dict[str, int] = {}
        for pod in self.rig.cluster.get("pods", selector, self.space):
            if "deletionTimestamp" not in pod["metadata"]:
                version = pod["metadata"]["labels"][HASH]
                counts[version] = counts.get(version, 0) + 1
        return counts

    def verdict(self, digit: str) -> tuple[int, list[str]]:
        """Return the exit code and the lines of what `make verdict` runs, about an image."""
        with TemporaryDirectory() as folder:
            file = Path(folder) / path_of("ports", self.environment)
            file.parent.mkdir(parents=True)
            file.write_text(f"image:\n  digest: sha256:{digit * 64}\nrollout: {{enabled: true}}\n")
            words = ("--root", folder, "--service", "ports", "--environment", self.environment)
            command = [sys.executable, "-m", "promote.verdict", *words, "--minutes=1"]
            env = {**os.environ, **self.rig.environment}
            done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines() or done.stderr.splitlines()

    def delete(self) -> None:
        """Delete the environment."""
        name = f"ports-{self.environment}"
        self.rig.cluster.kubectl("delete", "namespace", name, "--wait=false")


def eventually(condition: Callable[[], T], what: str, told: Callable[[], str] = lambda: "") -> T:
    """Wait until a condition returns something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if found := condition():
                return found
        except StackError as error:
            problem = str(error)
        else:
            problem = told() if time.monotonic() > deadline else ""
        assert time.monotonic() < deadline, f"{what}: {problem}"
        time.sleep(0.2)


def committed() -> Object:
    """Return the committed AnalysisTemplate of ports."""
    file = ROOT / "platform/generated/ports/analysistemplate.yaml"
    found: Object = YAML(typ="safe").load(file)
    return found
