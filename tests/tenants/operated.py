"""Real Prometheus servers with configurations that the real operator generated.

Target discovery is replaced by one fixed target for each monitor, because the API accepts no
loopback address as an endpoint. The rest of a configuration is the operator's. Two servers see the
same objects: one as the platform's values say, one without the enforced label.
"""

import gzip
import json
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from stack import kubernetes, values
from stack.cluster import Cluster
from stack.errors import StackError
from stack.kubernetes import module
from stack.process import Process
from stack.stack import READY_SECONDS
from stack.ways import tool

SPACE: Final = "observability"
GROUP: Final = "monitoring.coreos.com"
ENFORCING: Final = ("enforcedNamespaceLabel", "excludedFromEnforcement")
PORT: Final = "metrics"

Object = dict[str, Any]


class ClusterWithOperator(Cluster):
    """Kubernetes and the Prometheus operator, which watches every namespace."""

    def _start(self) -> None:
        self._start_kubernetes()
        source = module("crds", "github.com/prometheus-operator/prometheus-operator")
        folder = source / "example/prometheus-operator-crd"
        self.kubectl("apply", "--server-side", f"--filename={folder}")
        self.kubectl("wait", "--for=condition=established", "crd", "--all")
        listen = self.site.addresses.endpoint("prometheus-operator")
        env = {"KUBECONFIG": str(kubernetes.kubeconfig(self.site))}
        command = [tool("operator"), f"--web.listen-address={listen}"]
        ready = f"http://{listen}/healthz"
        operator: Process = self.site.process("prometheus-operator", command, ready, env)
        self._run(operator)
        operator.wait_ready(READY_SECONDS)

    def configuration(self, name: str) -> Object | None:
        """Return what the operator generated for a Prometheus, once it has."""
        try:
            secret = self.get("secret", f"prometheus-{name}", f"--namespace={SPACE}")
        except StackError:
            return None
        text = gzip.decompress(b64decode(secret["data"]["prometheus.yaml.gz"])).decode()
        # The reloader beside Prometheus replaces it.
        found: Object = YAML(typ="safe").load(text.replace("$(SHARD)", "0"))
        return found

    def rules(self, name: str, owner: str = "prometheus") -> list[str]:
        """Return the rule files that the operator generated for a Prometheus or a ruler."""
        selector = f"--selector={owner}-name={name}"
        maps = self.get("configmaps", selector, f"--namespace={SPACE}")
        return [text for each in maps for text in each.get("data", {}).values()]


def server(name: str, *, enforcing: bool) -> Object:
    """Make a Prometheus with the platform's values, or without the enforced label."""
    spec = values.prometheus()["prometheus"]["prometheusSpec"]
    kept = {key: spec[key] for key in ENFORCING} if enforcing else {}
    every = ("serviceMonitor", "rule")
    selectors: Object = {
        f"{each}{kind}": {} for each in every for kind in ("Selector", "NamespaceSelector")
    }
    timing = {"scrapeInterval": "1s", "scrapeTimeout": "1s", "evaluationInterval": "1s"}
    content = {"replicas": 1, **selectors, **timing, **kept}
    return custom("Prometheus", name, SPACE, content)


def pair(name: str) -> list[Object]:
    """Make a Prometheus and a ruler that share the rules as the profile `scaled` says."""
    chart = values.prometheus("scaled")
    spec, ruler = chart["prometheus"]["prometheusSpec"], chart["thanosRuler"]["thanosRulerSpec"]
    shared = {key: spec[key] for key in (*ENFORCING, "ruleNamespaceSelector")}
    asked = {key: ruler[key] for key in ("enforcedNamespaceLabel", "ruleNamespaceSelector")}
    every: Object = {"ruleSelector": {}, "replicas": 1}
    return [
        custom("Prometheus", name, SPACE, {**every, **shared}),
        custom(
            "ThanosRuler",
            name,
            SPACE,
            {**every, **asked, "queryEndpoints": ruler["queryEndpoints"]},
        ),
    ]


def custom(kind: str, name: str, namespace: str, spec: Object) -> Object:
    """Make an object of a kind of the operator."""
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": f"{GROUP}/v1", "kind": kind, "metadata": metadata, "spec": spec}


def with_targets(
    config: Object, targets: Mapping[str, str], rules: list[str], folder: Path
) -> Object:
    """Replace discovery by a target for each namespace, and the rule files by those in a folder."""
    for job in config["scrape_configs"]:
        (found,) = (each for each in targets if f"/{each}/" in job["job_name"])
        del job["kubernetes_sd_configs"]
        prefix = "__meta_kubernetes_"
        labels = {
            f"{prefix}namespace": found,
            f"{prefix}service_name": "server",
            f"{prefix}service_label_app": "server",
            f"{prefix}service_labelpresent_app": "true",
            f"{prefix}endpoint_port_name": PORT,
            f"{prefix}endpointslice_port_name": PORT,
            f"{prefix}pod_name": "server-0",
        }
        job["static_configs"] = [{"targets": [targets[found]], "labels": labels}]
    config["rule_files"] = []
    for number, text in enumerate(rules):
        file = folder / f"{number}.yaml"
        file.write_text(text)
        config["rule_files"].append(str(file))
    config.pop("alerting", None)
    return config


def dumped(config: Object) -> str:
    """Return the text of a configuration; JSON is YAML."""
    return json.dumps(config)
