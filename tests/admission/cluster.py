"""A cluster with the real admission controller of Kyverno as a local process.

It runs under its own service account, with the roles of the umbrella chart and the flags of the
chart's Deployment. The API server calls it at a loopback address, where a real cluster has a
Service.
"""

import base64
import copy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from stack import rollouts
from stack.addresses import HOST
from stack.cluster import Cluster
from stack.components import Site
from stack.errors import StackError
from stack.process import Process
from stack.stack import READY_SECONDS
from stack.ways import tool

from tests.admission.chart import NAMESPACE, Object

POLICY: Final = "ImageValidatingPolicy"
KYVERNO: Final = "kyverno"
# The process has no pod, no Service and no monitor.
LEFT_OUT: Final = ("Deployment", "Pod", "PodDisruptionBudget", "Service", "ServiceMonitor", POLICY)
PATIENCE_SECONDS: Final = 90.0


class ClusterWithKyverno(Cluster):
    """Kubernetes, the kinds of Argo Rollouts, and Kyverno with the umbrella chart's policies."""

    def __init__(self, site: Site, objects: list[Object], public_key: str) -> None:
        """Prepare the components; nothing runs yet.

        Args:
            site: Where the cluster lies.
            objects: Everything that the umbrella chart renders.
            public_key: Key that stands in for the identity of the release workflow.
        """
        super().__init__(site)
        self.objects = objects
        self.policies = [keyed(each, public_key) for each in objects if each["kind"] == POLICY]

    def _start(self) -> None:
        self._start_kubernetes()
        files = [f"--filename={file}" for file in rollouts.crds()]
        self.kubectl("apply", "--server-side", *files)
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
        others = [each for each in self.objects if each["kind"] not in LEFT_OUT]
        kinds = [each for each in others if each["kind"] == "CustomResourceDefinition"]
        self.apply(kinds)
        names = [f"crd/{each['metadata']['name']}" for each in kinds]
        self.kubectl("wait", "--for=condition=established", *names)
        self.apply((each for each in others if each not in kinds), f"--namespace={NAMESPACE}")
        process = self._kyverno()
        self._run(process)
        process.authority = eventually(self._authority, "Kyverno has no certificate")
        process.wait_ready(READY_SECONDS)
        self.apply(self.policies)
        eventually(self._is_enforced, "the policies are not enforced")

    def _kyverno(self) -> Process:
        (deployment,) = (each for each in self.objects if each["kind"] == "Deployment")
        pod = deployment["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        at = self.site.addresses
        env = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        env |= {"KYVERNO_NAMESPACE": NAMESPACE, "KYVERNO_POD_NAME": KYVERNO}
        env["TUF_ROOT"] = str(self.site.folder("tuf"))
        command = [
            tool("kyverno"),
            *container["args"],
            f"--kubeconfig={self.account(NAMESPACE, pod['serviceAccountName'])}",
            f"--serverIP={at.endpoint(KYVERNO)}",
            f"--webhookServerHost={HOST}",
            f"--webhookServerPort={at.port(KYVERNO)}",
            f"--metricsHost={HOST}",
            f"--metricsPort={at.port('kyverno-metrics')}",
            f"--controllerRuntimeMetricsAddress={at.endpoint('kyverno-runtime')}",
        ]
        ready = pod["containers"][0]["readinessProbe"]["httpGet"]["path"]
        return self.site.process(KYVERNO, command, f"https://{at.endpoint(KYVERNO)}{ready}", env)

    def _authority(self) -> Path | None:
        """Write the certificate of the authority that Kyverno has made, once it is there."""
        self.check()
        secret = f"{KYVERNO}-svc.{NAMESPACE}.svc.kyverno-tls-ca"
        space = f"--namespace={NAMESPACE}"
        found = self.kubectl("get", "secret", secret, space, "--ignore-not-found", "--output=json")
        if not found:
            return None
        file = self.site.folder(KYVERNO) / "authority.crt"
        file.write_bytes(base64.b64decode(json.loads(found)["data"]["tls.crt"]))
        return file

    def _is_enforced(self) -> bool:
        self.check()
        found = self.get("validatingwebhookconfigurations")
        paths = " ".join(
            webhook["clientConfig"].get("url", "")
            for each in found
            for webhook in each.get("webhooks", ())
        )
        return all(each["metadata"]["name"] in paths for each in self.policies)

    def create(self, manifest: Object, namespace: str) -> str:
        """Create an object; return the refusal of the admission controller, or nothing."""
        try:
            space = f"--namespace={namespace}"
            self.kubectl("create", "--filename=-", space, stdin=json.dumps(manifest))
        except StackError as error:
            if "admission webhook" not in str(error):
                raise
            return str(error)
        return ""


def keyed(policy: Object, public_key: str) -> Object:
    """Return a policy whose attestor is a key: the only part that differs from the chart's."""
    changed = copy.deepcopy(policy)
    (attestor,) = changed["spec"]["attestors"]
    attestor["cosign"] = {"key": {"data": public_key}, "ctlog": {"insecureIgnoreTlog": True}}
    return changed


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition returns something true, and return it."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        time.sleep(0.2)
    return found


def log(cluster: Cluster) -> str:
    """Return what Kyverno has logged."""
    return Path(cluster.processes[KYVERNO].log).read_text()
