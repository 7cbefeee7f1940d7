"""Argo CD and the API server expose each metric that an alert about deliveries reads."""

import httpx
import pytest
from stack import argocd
from stack.cluster import Cluster
from stack.errors import StackError

from tests.cluster.repository import Repository
from tests.e2e.backends import eventually
from tests.support import owners

HERE = f"--namespace={argocd.NAMESPACE}"
SERVER = "https://kubernetes.default.svc"
# A branch that Argo CD does not find, and a commit that it cannot fetch.
UNREADABLE = {"branch": "no-such-branch", "commit": "1" * 40}
PROJECT = {
    "apiVersion": "argoproj.io/v1alpha1",
    "kind": "AppProject",
    "metadata": {"name": "unreadable", "namespace": argocd.NAMESPACE},
    "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
}
# A webhook that nobody serves, for a kind that no scenario creates.
WEBHOOK = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingWebhookConfiguration",
    "metadata": {"name": "nobody"},
    "webhooks": [
        {
            "name": "nobody.kyverno.svc",
            "clientConfig": {"url": "https://127.0.0.1:1/"},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": 1,
            "rules": [
                {
                    "apiGroups": ["scheduling.k8s.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE"],
                    "resources": ["priorityclasses"],
                }
            ],
        }
    ],
}


def test_argo_cd_exposes_what_alerts_read(cluster: Cluster, repository: Repository) -> None:
    applications = [
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": argocd.NAMESPACE},
            "spec": {
                "project": "unreadable",
                "destination": {"server": SERVER, "namespace": "default"},
                "source": {
                    "repoURL": repository.url,
                    "path": "platform/argocd/root",
                    "targetRevision": revision,
                },
            },
        }
        for name, revision in UNREADABLE.items()
    ]
    at = cluster.site.addresses
    components = (argocd.APPLICATION_CONTROLLER, "argocd-repo-server-metrics")

    def complete() -> bool:
        pages = [httpx.get(f"{at.url(each)}/metrics").text for each in components]
        assert owners.missing(owners.ARGO_CD, pages) == {}
        return True

    cluster.apply([PROJECT, *applications])
    try:
        assert eventually(complete)
    finally:
        cluster.kubectl("delete", "application", *UNREADABLE, HERE)
        cluster.kubectl("delete", "appproject", "unreadable", HERE)


def test_the_api_server_exposes_what_alerts_read(cluster: Cluster) -> None:
    def refused() -> bool:
        # The API server learns of a webhook within a second or so.
        with pytest.raises(StackError, match="failed calling webhook"):
            cluster.kubectl("create", "priorityclass", "refused", "--value=1", "--dry-run=server")
        page = cluster.kubectl("get", "--raw", "/metrics")
        assert owners.missing(owners.API_SERVER, [page]) == {}
        return 'error_type="calling_webhook_error",name="nobody.kyverno.svc"' in page

    cluster.apply([WEBHOOK])
    try:
        assert eventually(refused)
    finally:
        cluster.kubectl("delete", "validatingwebhookconfiguration", "nobody")
