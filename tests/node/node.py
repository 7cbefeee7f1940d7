"""A real Kubernetes node as local processes: kubelet, containerd, kube-proxy, DNS, and their API.

It differs from a real cluster: there is one node, and the network enforces no NetworkPolicy. The
tests create volumes. DNS and backends beside the node listen on the node's address.
"""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from stack import components, kubernetes
from stack.addresses import Addresses
from stack.cluster import Cluster
from stack.components import Site
from stack.stack import READY_SECONDS
from stack.ways import tool
from telemetry import names

from tests.e2e.backends import eventually
from tests.node import machine, parts

OBSERVABILITY: Final = "observability"
OBSERVABILITY_LEVEL: Final = "privileged"  # of Pod Security, as Argo CD makes the namespace
VOLUMES: Final = 4  # as many as there are claims, each as big as the biggest
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - in a network namespace of its own
SCALE: Final = 1 / 60  # scale of the rules: an hour lasts a minute
# Services for pods, with the port and the component that answers.
BACKENDS: Final = {
    "jaeger": (4317, "jaeger-otlp-grpc"),
    "loki": (3100, "loki"),
    "prometheus-prometheus": (9090, "prometheus"),
}


class Node(Cluster):
    """A cluster of one real node, where wanted with the observability backends beside it."""

    def __init__(
        self, data: Path, archive: Path, receivers: Mapping[str, str], *, backends: bool
    ) -> None:
        """Prepare the node; nothing runs yet.

        Args:
            data: Folder of all files of the node. Its path must be short: it holds Unix sockets.
            archive: Archive that `images.save` wrote.
            receivers: URL of a webhook by Alertmanager's receiver.
            backends: Whether the backends run beside the node.
        """
        rules = data / "rules"
        slo = Path(sys.executable).with_name("slo")
        machine.run(str(slo), "generate", "--scale", str(SCALE), "--output", str(rules))
        site = Site(
            data,
            Addresses(listen=EVERYWHERE, reach=machine.ADDRESS),
            receivers=receivers,
            rules=tuple(sorted(rules.rglob("rules.yaml"))),
            prometheus_overrides={"scrapeInterval": "1s", "evaluationInterval": "1s"},
            scale=SCALE,
        )
        super().__init__(replace(site, jobs=(_pods_job(site),)))
        self._archive = archive
        self._has_backends = backends

    def ctr(self, *arguments: str) -> str:
        """Run containerd's own client in Kubernetes' namespace."""
        return machine.run(
            "ctr", f"--address={parts.socket(self.site)}", "--namespace=k8s.io", *arguments
        )

    def observe(self) -> None:
        """Create what observability needs of a cluster: its namespace, volumes, and Services.

        The Services are those of the backends that run beside the node.
        """
        found: list[Any] = [
            namespace(OBSERVABILITY, OBSERVABILITY_LEVEL),
            *map(_volume, range(VOLUMES)),
        ]
        if self._has_backends:
            for name, (port, component) in BACKENDS.items():
                found += self._beside(name, OBSERVABILITY, port, component)
        self.apply(found)

    def measure(self) -> None:
        """Run the metrics server, which autoscalers read."""
        site, name = self.site, "metrics-server"
        config = kubernetes.kubeconfig(site)
        command = [
            tool(name),
            *(f"--{each}kubeconfig={config}" for each in ("", *kubernetes.DELEGATED)),
            f"--bind-address={machine.ADDRESS}",
            f"--secure-port={site.addresses.port(name)}",
            f"--cert-dir={site.folder(name)}",
            "--kubelet-insecure-tls",
            "--kubelet-preferred-address-types=InternalIP",
            "--metric-resolution=10s",
            "--kubelet-request-timeout=5s",
        ]
        process = site.process(name, command, f"tcp://{site.addresses.endpoint(name)}")
        self._run(process)
        # No namespace can be deleted while the metrics API is registered and does not answer.
        process.wait_ready(READY_SECONDS)
        version = {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {
                "group": "metrics.k8s.io",
                "version": "v1beta1",
                "groupPriorityMinimum": 100,
                "versionPriority": 100,
                "insecureSkipTLSVerify": True,
                "service": {"name": name, "namespace": "kube-system"},
            },
        }
        self.apply([*self._beside(name, "kube-system", 443, name), version])

    def _beside(self, name: str, where: str, port: int, component: str) -> list[Any]:
        """A Service and its EndpointSlice for a component beside the node."""
        meta = {"name": name, "namespace": where}
        at = [{"name": "server", "port": self.site.addresses.port(component)}]
        return [
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": meta,
                "spec": {"ports": [{"name": "server", "port": port}]},
            },
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": meta | {"labels": {"kubernetes.io/service-name": name}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [machine.ADDRESS]}],
                "ports": at,
            },
        ]

    def _start(self) -> None:
        site = self.site
        parts.certificates(site)
        pki = site.folder("pki")
        apiserver = kubernetes.apiserver(
            site,
            f"--advertise-address={machine.ADDRESS}",
            "--authorization-mode=Node",
            f"--kubelet-client-certificate={pki}/client.crt",
            f"--kubelet-client-key={pki}/client.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged",
            f"--service-cluster-ip-range={machine.SERVICES}",
            # The API server forwards requests for metrics to the metrics server.
            "--enable-aggregator-routing",
            f"--requestheader-client-ca-file={pki}/ca.crt",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki}/client.crt",
            f"--proxy-client-key-file={pki}/client.key",
            users={parts.KUBELET: "system:nodes", parts.KUBE_PROXY: "system:node-proxier"},
        )
        for process in (kubernetes.etcd(site), apiserver):
            self._run(process)
            process.wait_ready(READY_SECONDS)
        containerd = parts.containerd(site)
        self._run(kubernetes.controller_manager(site), kubernetes.scheduler(site), containerd)
        if self._has_backends:
            self._run(
                components.jaeger(site), components.loki(site), components.alertmanager(site),
                components.prometheus_server(site),
            )  # fmt: skip
        binding = ("--clusterrole=system:node-proxier", f"--user={parts.KUBE_PROXY}")
        self.kubectl("create", "clusterrolebinding", "kube-proxy", *binding)
        containerd.wait_ready(READY_SECONDS)
        self.ctr("images", "import", str(self._archive))
        self._run(parts.kubelet(site), parts.kube_proxy(site), parts.dns(site))
        self._wait_ready()
        eventually(self._is_ready)

    def _is_ready(self) -> bool:
        conditions = self.get("node", parts.NAME)["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def namespace(name: str, level: str = "") -> dict[str, Any]:
    """A namespace; Pod Security enforces `level` if given."""
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _volume(number: int) -> dict[str, Any]:
    """A volume, because no provisioner runs here.

    Its kind is `local`, so that the kubelet gives the files to the pod's `fsGroup`.
    """
    path = Path(f"/var/volumes/{number}")
    path.mkdir(parents=True)
    name = {"key": "kubernetes.io/hostname", "operator": "In", "values": [parts.NAME]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{number}"},
        "spec": {
            "capacity": {"storage": "20Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [name]}]}},
        },
    }


def _pods_job(site: Site) -> dict[str, Any]:
    """Scrape job of the service's pods.

    It stands in for the job that the operator generates from the ServiceMonitor.
    """
    meta = "__meta_kubernetes_pod"
    label = f"{meta}_label_app_kubernetes_io"
    return {
        "job_name": "ports",
        "kubernetes_sd_configs": [
            {"role": "pod", "kubeconfig_file": str(kubernetes.kubeconfig(site))}
        ],
        "relabel_configs": [
            {"action": "keep", "source_labels": [f"{label}_component"], "regex": "server"},
            {
                "action": "keep",
                "source_labels": [f"{meta}_container_port_name"],
                "regex": "metrics",
            },
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": [f"{meta}_name"], "target_label": "pod"},
            {"source_labels": [f"{label}_name"], "target_label": names.SERVICE_NAME},
            {"target_label": names.ENVIRONMENT, "replacement": components.ENVIRONMENT},
        ],
    }
