"""The processes of a real node: containerd, kubelet, kube-proxy and CoreDNS."""

import json
import shutil
from pathlib import Path
from typing import Final

from stack import kubernetes
from stack.components import Site
from stack.process import Process
from stack.ways import tool

from tests.node import images, machine

NAME: Final = "node-0"
KUBELET: Final = f"system:node:{NAME}"
KUBE_PROXY: Final = "system:kube-proxy"
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


def socket(site: Site) -> Path:
    """Path of containerd's socket; a Unix socket's path must be short."""
    return site.data / "containerd.sock"


def certificates(site: Site) -> None:
    """Make the kubelet's certificate authority, and the API server's client certificate."""
    pki = site.folder("pki")
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


def containerd(site: Site) -> Process:
    """Run containers, on a bridge."""
    data = site.folder("containerd")
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
                    "routes": [{"dst": machine.ANYWHERE}],
                },
            }
        ],
    }
    (site.folder("containerd", "cni") / "pods.conflist").write_text(json.dumps(network))
    known = {"data": data, "socket": socket(site), "sandbox": images.SANDBOX}
    known["runc"] = shutil.which("runc")
    file = data / "config.toml"
    file.write_text(_CONTAINERD.format(**known))
    return site.process("containerd", ["containerd", f"--config={file}"], f"unix://{socket(site)}")


def kubelet(site: Site) -> Process:
    """Run the pods of the node."""
    folder, pki = site.folder("kubelet"), site.folder("pki")
    health = site.addresses.port("kubelet-health")
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
        "containerRuntimeEndpoint": f"unix://{socket(site)}",
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
        f"--config={site.config('kubelet', config)}",
        f"--kubeconfig={kubernetes.kubeconfig(site, KUBELET)}",
        f"--root-dir={folder}",
        f"--hostname-override={NAME}",
        f"--node-ip={machine.ADDRESS}",
        f"--cert-dir={folder}",
    ]
    return site.process("kubelet", command, f"http://127.0.0.1:{health}/healthz")


def kube_proxy(site: Site) -> Process:
    """Forward the addresses of Services, by nftables."""
    health = site.addresses.port("kube-proxy-health")
    config = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubernetes.kubeconfig(site, KUBE_PROXY))},
        "mode": "nftables",
        "hostnameOverride": NAME,
        "clusterCIDR": machine.PODS,
        "healthzBindAddress": f"127.0.0.1:{health}",
        "metricsBindAddress": site.addresses.endpoint("kube-proxy-metrics"),
        "conntrack": {"maxPerCore": 0, "min": 0},
        "nftables": {"minSyncPeriod": "100ms"},
    }
    command = [tool("kube-proxy"), f"--config={site.config('kube-proxy', config)}"]
    return site.process("kube-proxy", command, f"http://127.0.0.1:{health}/healthz")


def dns(site: Site) -> Process:
    """Resolve the names of Services, and no other."""
    ready = site.addresses.port("dns-ready")
    file = site.folder("config") / "Corefile"
    file.write_text(
        _NAMES.format(
            address=machine.ADDRESS,
            ready=ready,
            kubeconfig=kubernetes.kubeconfig(site),
            context=kubernetes.CONTEXT,
        )
    )
    command = [tool("coredns"), "-conf", str(file)]
    return site.process("coredns", command, f"http://127.0.0.1:{ready}/ready")
