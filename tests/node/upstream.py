"""Release Prometheus, Jaeger and Loki from their umbrella charts, as Argo CD does.

A certificate that openssl makes stands in for the one of kube-webhook-certgen.
"""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from stack import compressed, kubernetes, values

from tests.e2e.backends import eventually
from tests.node import charts, machine
from tests.node.node import OBSERVABILITY, SCALE, Node
from tests.terminal import run

STACK: Final = "kube-prometheus-stack"
CERTIFICATE: Final = "prometheus-admission"
START_SECONDS: Final = 400  # the chart's kinds alone are megabytes
OPERATOR: Final = "prometheus-operator"
WORKLOADS: Final = (
    "deployment/prometheus-operator", "deployment/prometheus-kube-state-metrics",
    "daemonset/prometheus-prometheus-node-exporter", "deployment/jaeger", "statefulset/loki",
    "statefulset/alertmanager-prometheus-alertmanager",
    "statefulset/prometheus-prometheus-prometheus",
)  # fmt: skip
_HERE: Final = f"--namespace={OBSERVABILITY}"


def release(node: Node, folder: Path, typed: Mapping[str, str]) -> None:
    """Release the backends, and wait until they are ready."""
    certificate = give_certificate(node)
    node.apply([_receivers(node)])
    ours = folder / "ours.json"
    ours.write_text(json.dumps(_overrides(node, certificate["ca"])))
    for name in charts.BACKENDS:
        chart = charts.copy(name, folder)
        given = folder / f"{name}.json"
        given.write_text(charts.release(name).given)
        files = f"--values '{given}'" + (f" --values '{ours}'" if name == "prometheus" else "")
        command = f"helm upgrade --install {name} '{chart}' {_HERE} {files}"
        run(command, env=typed, seconds=START_SECONDS)
    rule = values.read(values.GENERATED / "platform" / "prometheusrule.yaml")
    rule["metadata"]["namespace"] = OBSERVABILITY
    node.apply([rule])
    for workload in WORKLOADS:
        # The operator makes its StatefulSets a moment later.
        eventually(
            lambda name=workload: node.kubectl("get", name, _HERE, "--ignore-not-found"),  # type: ignore[misc]
            START_SECONDS,
        )
        node.kubectl("rollout", "status", workload, _HERE, f"--timeout={START_SECONDS}s")


def _overrides(node: Node, authority: str) -> dict[str, Any]:
    """Values for what the node cannot have, as `charts.stand_ins` says."""
    at = node.site.addresses

    def beside(component: str) -> dict[str, Any]:
        port = at.port(component)
        service = {"port": port, "targetPort": port}
        return {"enabled": True, "endpoints": [machine.ADDRESS], "service": service}

    config = values.prometheus()["alertmanager"]["config"]
    ours = {
        "alertmanager": {"config": compressed.alertmanager(config, SCALE)},
        "coreDns": {"enabled": False},
        "kubeControllerManager": beside("kube-controller-manager"),
        "kubeEtcd": beside("etcd"),
        "kubeProxy": beside("kube-proxy-metrics"),
        "kubeScheduler": beside("kube-scheduler"),
        "prometheusOperator": {
            "admissionWebhooks": {
                # The values of the chart if its own jobs make the certificate.
                "failurePolicy": "Ignore",
                "patch": {"enabled": False},
                "caBundle": authority,
            }
        },
    }
    return {STACK: ours}


def give_certificate(node: Node) -> dict[str, str]:
    """Make the operator's certificate and its secret, and return what is in it, as base64."""
    folder = node.site.folder(OPERATOR)
    name = f"{OPERATOR}.{OBSERVABILITY}.svc"
    machine.run(
        *(kubernetes.debian("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes"),
        *(
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName=DNS:{name},DNS:{OPERATOR}",
        ),
        *("-keyout", f"{folder}/key", "-out", f"{folder}/cert"),
    )
    files = {"ca": "cert", "cert": "cert", "key": "key"}
    certificate = {
        key: base64.b64encode((folder / file).read_bytes()).decode() for key, file in files.items()
    }
    node.apply([_secret(CERTIFICATE, certificate)])
    return certificate


def _receivers(node: Node) -> dict[str, Any]:
    """The secret with the addresses of Alertmanager's receivers."""
    addresses = node.site.receivers.items()
    return _secret(
        "alertmanager-receivers",
        {name: base64.b64encode(url.encode()).decode() for name, url in addresses},
    )


def _secret(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    meta = {"name": name, "namespace": OBSERVABILITY}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": dict(data)}
