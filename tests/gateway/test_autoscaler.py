"""The length of a gateway's queue adds a gateway: the real autoscaler, adapter and Prometheus.

There are three stand-ins. kwok makes nodes and pods. A text replaces the gateways' metrics. The
adapter's Service is a name of this machine, and the API server has no certificate for the adapter.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
from stack import values
from stack.cluster import Cluster
from stack.components import Site
from stack.process import Process
from stack.stack import READY_SECONDS
from stack.ways import tool

from tests.e2e.backends import eventually
from tests.platform.slo.real import serving

SPACE: Final = "observability"
ADAPTER: Final = "prometheus-adapter"
LABELS: Final = {"app": "otel-gateway"}
Object = dict[str, Any]


class Queues:
    """Metrics of gateways, whose queues hold as many bytes as the test says."""

    def __init__(self) -> None:
        self.bytes = 0

    @contextmanager
    def served(self) -> Iterator[int]:
        """Serve them at the port that this gives."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                # Two exporters of one gateway, on one volume.
                for exporter in ("otlp_grpc/jaeger", "otlp_http/loki"):
                    line = f'otelcol_exporter_queue_size{{exporter="{exporter}"}} {outer.bytes}\n'
                    self.wfile.write(line.encode())

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class ClusterWithAdapter(Cluster):
    """Kubernetes with its autoscaler, and prometheus-adapter with the rights of its chart."""

    def __init__(self, site: Site, prometheus: str) -> None:
        super().__init__(site)
        self._prometheus = prometheus

    def _start(self) -> None:
        self._start_kubernetes()
        given = values.chart(ADAPTER)[ADAPTER]
        text = json.dumps(given["extraManifests"]).replace("{{ .Release.Namespace }}", SPACE)
        self.kubectl("create", "namespace", SPACE)
        port = self.site.addresses.port(ADAPTER)
        account = named("v1", "ServiceAccount", ADAPTER, {})
        self.apply([account, *json.loads(text), *registered(port)])
        kubeconfig = self.account(SPACE, ADAPTER)
        config = self.site.config(ADAPTER, {"rules": given["rules"]["custom"]})
        command = [
            tool("adapter"),
            f"--config={config}",
            f"--prometheus-url={self._prometheus}",
            "--metrics-relist-interval=1s",
            "--metrics-max-age=1m",
            *(f"--{use}-kubeconfig={kubeconfig}" for use in ("lister", "authentication")),
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            f"--secure-port={port}",
            f"--cert-dir={self.site.folder('adapter')}",
        ]
        adapter: Process = self.site.process(ADAPTER, command, f"tcp://127.0.0.1:{port}")
        self._run(adapter)
        adapter.wait_ready(READY_SECONDS)


def named(version: str, kind: str, name: str, content: Object) -> Object:
    """An object of the API, in the namespace."""
    metadata = {"name": name, "namespace": SPACE}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **content}


def registered(port: int) -> list[Object]:
    """The registration of the adapter's API, and a Service that leads to this machine."""
    service = named(
        "v1", "Service", ADAPTER, {"spec": {"type": "ExternalName", "externalName": "localhost"}}
    )
    spec = {
        "service": {"name": ADAPTER, "namespace": SPACE, "port": port},
        "group": "custom.metrics.k8s.io",
        "version": "v1beta1",
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    name = "v1beta1.custom.metrics.k8s.io"
    api = named("apiregistration.k8s.io/v1", "APIService", name, {"spec": spec})
    # The API server has no certificate for the adapter, which takes it for nobody.
    rules = [
        {"apiGroups": [spec["group"]], "resources": ["*"], "verbs": ["get"]},
        {"nonResourceURLs": ["/apis/*", "/openapi/*"], "verbs": ["get"]},
    ]
    reader = named("rbac.authorization.k8s.io/v1", "ClusterRole", "nobody", {"rules": rules})
    group = "rbac.authorization.k8s.io"
    bound = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "nobody"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "system:anonymous"}],
    }
    binding = named(f"{group}/v1", "ClusterRoleBinding", "nobody", bound)
    for each in (api, reader, binding):
        del each["metadata"]["namespace"]
    return [service, api, reader, binding]


def gateways(autoscaling: Object) -> list[Object]:
    """A StatefulSet of the gateways' name, and their autoscaler without the usage of CPU."""
    pod = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "it", "image": "it"}]}}
    selector = {"matchLabels": LABELS}
    set_spec = {
        "replicas": autoscaling["minReplicas"],
        "serviceName": "otel-gateway",
        "podManagementPolicy": "Parallel",
        "selector": selector,
        "template": pod,
    }
    scaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "otel-gateway"},
        "minReplicas": autoscaling["minReplicas"],
        "maxReplicas": autoscaling["maxReplicas"],
        "behavior": autoscaling["behavior"],
        "metrics": autoscaling["additionalMetrics"],
    }
    return [
        named("apps/v1", "StatefulSet", "otel-gateway", {"spec": set_spec}),
        named("autoscaling/v2", "HorizontalPodAutoscaler", "otel-gateway", {"spec": scaler}),
    ]


def scrape(port: int, replicas: int) -> Object:
    """A Prometheus that finds the metrics of each gateway at one address."""
    targets = [
        {
            "targets": [f"127.0.0.1:{port}"],
            "labels": {"namespace": SPACE, "pod": f"otel-gateway-{number}"},
        }
        for number in range(replicas)
    ]
    job = {"job_name": "otel-gateway", "scrape_interval": "1s", "static_configs": targets}
    return {"scrape_configs": [job]}


@pytest.mark.timeout(240)
def test_a_filling_queue_adds_gateways_and_an_empty_one_removes_none(tmp_path: Path) -> None:
    autoscaling = values.of_profile("otel-collector", "scaled")["gateway"]["autoscaling"]
    least, most = autoscaling["minReplicas"], autoscaling["maxReplicas"]
    site, queues = Site(tmp_path / "cluster"), Queues()
    url = site.addresses.url("prometheus")
    with queues.served() as port:
        config = site.config("prometheus", scrape(port, most))
        listen = f"--web.listen-address={site.addresses.endpoint('prometheus')}"
        data = f"--storage.tsdb.path={tmp_path / 'data'}"
        command = (tool("prometheus"), f"--config.file={config}", data, listen)
        with (
            serving(*command, url=url, ready="/-/ready", log=tmp_path / "prometheus.log"),
            ClusterWithAdapter(site, url) as cluster,
        ):
            cluster.apply(gateways(autoscaling))

            def scaler() -> Object:
                found = cluster.get("hpa", "otel-gateway", f"--namespace={SPACE}")
                status: Object = found["status"]
                return status

            def seen() -> list[str]:
                return [
                    each["pods"]["current"]["averageValue"]
                    for each in scaler().get("currentMetrics") or ()
                    if each["type"] == "Pods"
                ]

            eventually(lambda: seen() == ["0"])
            assert scaler()["currentReplicas"] == least
            # Two exporters: twice the target, which asks for twice as many gateways.
            queues.bytes = 20_000_000
            eventually(lambda: scaler()["currentReplicas"] == min(2 * least, most))
            queues.bytes = 0
            eventually(lambda: seen() == ["0"])
            assert scaler()["desiredReplicas"] == min(2 * least, most)
