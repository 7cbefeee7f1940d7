"""A real Kubernetes node as local processes: kubelet, containerd, kube-proxy, DNS, and their API.

It differs from a real cluster: there is one node, the network enforces no NetworkPolicy, the tests
create volumes, and DNS and the observability backends listen on the node's address.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from stack import components, kubernetes
from stack.addresses import Addresses
from stack.cluster import Cluster
from stack.components import Site
from stack.process import Process
from stack.stack import READY_SECONDS
from stack.ways import tool
from telemetry import names

from tests.node import images, machine

NAME: Final = "node-0"
KUBELET: Final = f"system:node:{NAME}"
OBSERVABILITY: Final = "observability"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - in a network namespace of its own
SCALE: Final = 1 / 60  # scale of the rules: an hour lasts a minute
# Services for pods, with the port and the component that answers.
BACKENDS: Final = {
    "jaeger": (4317, "jaeger-otlp-grpc"),
    "loki": (3100, "loki"),
    "prometheus-prometheus": (9090, "prometheus"),
}
_CONTAINERD: Final = """
version = 2
root = "{data}/containerd"
state = "{data}/state"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{sandbox}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  disable_hugetlb_controller = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{data}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      BinaryName = "{runc}"
"""
_NAMES: Final = """
cluster.local:53 in-addr.arpa:53 {{
  bind {address}
  errors
  ready 127.0.0.1:{ready}
  cache 5
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig} {context}
    pods insecure
    ttl 5
  }}
}}
.:53 {{
  bind {address}
  template ANY ANY {{
    rcode NXDOMAIN
  }}
}}
"""


class Node(Cluster):
    """A cluster of one real node, with the observability backends beside it."""

    def __init__(self, data: Path, archive: Path, page: str) -> None:
        """Prepare the node; nothing runs yet.

        Args:
            data: Folder of all files of the node. Its path must be short: it holds Unix sockets.
            archive: Archive that `images.save` wrote.
            page: URL of the webhook that receives pages.
        """
        rules = data / "rules"
        slo = Path(sys.executable).with_name("slo")
        machine.run(str(slo), "generate", "--scale", str(SCALE), "--output", str(rules))
        site = Site(
            data,
            Addresses(listen=EVERYWHERE, reach=machine.ADDRESS),
            receivers={"page": page},
            rules=tuple(sorted(rules.rglob("rules.yaml"))),
            prometheus_overrides={"scrapeInterval": "1s", "evaluationInterval": "1s"},
            scale=SCALE,
        )
        super().__init__(replace(site, jobs=(_pods_job(site),)))
        self._archive = archive
        self.socket = data / "containerd.sock"

    def ctr(self, *arguments: str) -> str:
        """Run containerd's own client in Kubernetes' namespace."""
        return machine.run("ctr", f"--address={self.socket}", "--namespace=k8s.io", *arguments)

    def backends(self) -> None:
        """Create Services for the backends, which run beside the node."""
        found: list[Any] = [namespace(OBSERVABILITY)]
        for name, (port, component) in BACKENDS.items():
            found += self._beside(name, OBSERVABILITY, port, component)
        self.apply(found)

    def measure(self) -> None:
        """Run the metrics server, which autoscalers read."""
        site, name = self.site, "metrics-server"
        config = kubernetes.kubeconfig(site)
        command = [
            tool(name),
            *(f"--{each}kubeconfig={config}" for each in ("", "authentication-", "authorization-")),
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
        site, at = self.site, self.site.addresses
        self._certificates()
        pki = site.folder("pki")
        apiserver = kubernetes.apiserver(
            site,
            f"--advertise-address={machine.ADDRESS}",
            "--authorization-mode=Node",
            f"--kubelet-client-certificate={pki}/client.crt",
            f"--kubelet-client-key={pki}/client.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--allow-privileged",
            # The API server forwards requests for metrics to the metrics server.
            "--enable-aggregator-routing",
            f"--requestheader-client-ca-file={pki}/ca.crt",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-username-headers=X-Remote-User",
            f"--proxy-client-cert-file={pki}/client.crt",
            f"--proxy-client-key-file={pki}/client.key",
            users={KUBELET: "system:nodes", "system:kube-proxy": "system:node-proxier"},
        )
        for process in (kubernetes.etcd(site), apiserver):
            self._run(process)
            process.wait_ready(READY_SECONDS)
        containerd = self._containerd()
        self._run(
            kubernetes.controller_manager(site), kubernetes.scheduler(site), containerd,
            components.jaeger(site), components.loki(site), components.alertmanager(site),
            components.prometheus_server(site),
        )  # fmt: skip
        binding = ("--clusterrole=system:node-proxier", "--user=system:kube-proxy")
        self.kubectl("create", "clusterrolebinding", "kube-proxy", *binding)
        containerd.wait_ready(READY_SECONDS)
        self.ctr("images", "import", str(self._archive))
        self._run(self._kubelet(), self._kube_proxy(), self._dns(at.port("dns-ready")))
        self._wait_ready()
        until(self._is_ready, "the node is ready")

    def _is_ready(self) -> bool:
        conditions = self.get("node", NAME)["status"]["conditions"]
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _certificates(self) -> None:
        """Make the kubelet's certificate authority, and the API server's client certificate."""
        pki = self.site.folder("pki")
        openssl = kubernetes.debian("openssl")
        new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2")
        authority = ("-keyout", f"{pki}/ca.key", "-out", f"{pki}/ca.crt", "-subj", "/CN=node")
        machine.run(openssl, *new, *authority)
        machine.run(
            *(openssl, *new, "-CA", f"{pki}/ca.crt", "-CAkey", f"{pki}/ca.key"),
            *("-keyout", f"{pki}/client.key", "-out", f"{pki}/client.crt"),
            *("-subj", "/O=system:masters/CN=kube-apiserver"),
            *("-addext", "basicConstraints=CA:FALSE", "-addext", "extendedKeyUsage=clientAuth"),
        )

    def _containerd(self) -> Process:
        data = self.site.folder("containerd")
        network = {
            "cniVersion": "0.4.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": "pods0",
                    "isGateway": True,
                    "hairpinMode": True,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(data / "addresses"),
                        "ranges": [[{"subnet": machine.PODS}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                }
            ],
        }
        (self.site.folder("containerd", "cni") / "pods.conflist").write_text(json.dumps(network))
        known = {"data": data, "socket": self.socket, "sandbox": images.SANDBOX}
        known["runc"] = shutil.which("runc")
        file = data / "config.toml"
        file.write_text(_CONTAINERD.format(**known))
        return self.site.process(
            "containerd", ["containerd", f"--config={file}"], f"unix://{self.socket}"
        )

    def _kubelet(self) -> Process:
        folder, pki = self.site.folder("kubelet"), self.site.folder("pki")
        health = self.site.addresses.port("kubelet-health")
        (folder / "resolv.conf").touch()
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": machine.ADDRESS,
            "healthzBindAddress": "127.0.0.1",
            "healthzPort": health,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{pki}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self.socket}",
            "cgroupDriver": "cgroupfs",
            "failCgroupV1": False,
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "oomScoreAdj": 0,
            "maxOpenFiles": 20000,
            "volumePluginDir": f"{folder}/plugins-exec",
            "resolvConf": f"{folder}/resolv.conf",
            "clusterDomain": "cluster.local",
            "clusterDNS": [machine.ADDRESS],
            "evictionHard": {"memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "5s",
            "seccompDefault": True,
        }
        command = [
            tool("kubelet"),
            f"--config={self.site.config('kubelet', config)}",
            f"--kubeconfig={kubernetes.kubeconfig(self.site, KUBELET)}",
            f"--root-dir={folder}",
            f"--hostname-override={NAME}",
            f"--node-ip={machine.ADDRESS}",
            f"--cert-dir={folder}",
        ]
        return self.site.process("kubelet", command, f"http://127.0.0.1:{health}/healthz")

    def _kube_proxy(self) -> Process:
        health = self.site.addresses.port("kube-proxy-health")
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "clientConnection": {
                "kubeconfig": str(kubernetes.kubeconfig(self.site, "system:kube-proxy"))
            },
            "mode": "nftables",
            "hostnameOverride": NAME,
            "clusterCIDR": machine.PODS,
            "healthzBindAddress": f"127.0.0.1:{health}",
            "metricsBindAddress": f"127.0.0.1:{self.site.addresses.port('kube-proxy-metrics')}",
            "conntrack": {"maxPerCore": 0, "min": 0},
            "nftables": {"minSyncPeriod": "100ms"},
        }
        command = [tool("kube-proxy"), f"--config={self.site.config('kube-proxy', config)}"]
        return self.site.process("kube-proxy", command, f"http://127.0.0.1:{health}/healthz")

    def _dns(self, ready: int) -> Process:
        file = self.site.folder("config") / "Corefile"
        file.write_text(
            _NAMES.format(
                address=machine.ADDRESS,
                ready=ready,
                kubeconfig=kubernetes.kubeconfig(self.site),
                context=kubernetes.CONTEXT,
            )
        )
        command = [tool("coredns"), "-conf", str(file)]
        return self.site.process("coredns", command, f"http://127.0.0.1:{ready}/ready")


def namespace(name: str, level: str = "") -> dict[str, Any]:
    """A namespace; Pod Security enforces `level` if given."""
    labels = {"pod-security.kubernetes.io/enforce": level} if level else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


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


def until(probe: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Poll until the probe returns true.

    Raises:
        TimeoutError: The probe stays false; names what was awaited.
    """
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
