"""Alerts about deliveries that do not arrive. Tickets: what ran before serves meanwhile."""

from typing import Final

from slo.operations.alert import Alert, rises

RUNBOOK: Final = "docs/runbooks/delivery.md"

# The controllers' series name an object's namespace otherwise, because the target has one itself.
_HELD: Final = 'rollout_info{job="argo-rollouts-metrics", phase="Paused"}'
_APPS: Final = 'argocd_app_info{{job="argocd-application-controller-metrics", {}}}'
# A step's analysis lasts five minutes, and no step of the chart's Rollout pauses by itself.
_HELD_MINUTES: Final = 15


def _in_namespace(expr: str, source: str) -> str:
    return f'label_replace(\n    {expr},\n    "namespace", "$1", "{source}", "(.+)"\n)'


def _apps(*matchers: str) -> str:
    series, by = _APPS.format(", ".join(matchers)), "name, dest_namespace"
    return _in_namespace(f"max by ({by}) ({series})", "dest_namespace")


ALERTS: Final = (
    Alert(
        "RolloutHeld",
        _in_namespace(f"max by (exported_namespace, name) ({_HELD})", "exported_namespace"),
        _HELD_MINUTES,
        "A new version of {{ $labels.name }} waits in {{ $labels.namespace }}",
        "Its analysis was inconclusive, or a person paused it. New and old pods serve until a "
        "person decides.",
        page="docs/how-to/deliver-step-by-step.md#continue-a-version-that-is-held",
    ),
    Alert(
        "ArgoAppOutOfSync",
        _apps('autosync_enabled="true"', 'sync_status!="Synced"'),
        30,
        "{{ $labels.name }} does not run what git says",
        "Argo CD could not apply it for half an hour, or cannot read it.",
    ),
    Alert(
        "ArgoAppUnhealthy",
        _apps('health_status=~"Degraded|Missing|Unknown"'),
        15,
        "{{ $labels.name }} is not healthy",
        "Argo CD applied it, and an object of it is missing or does not work.",
    ),
    Alert(
        "ArgoReadsNoGit",
        rises(
            "argocd_git_lsremote_fail_total",
            "argocd_git_fetch_fail_total",
            window="15m",
            by="job, repo",
        ),
        15,
        "Argo CD cannot read a repository",
        "Nothing new is deployed from {{ $labels.repo }}.",
    ),
    Alert(
        "AdmissionFails",
        rises(
            "apiserver_admission_webhook_rejection_count"
            '{error_type="calling_webhook_error", name=~".*kyverno.*"}',
            window="5m",
            by="job, name",
        ),
        5,
        "The API server does not reach Kyverno",
        "No pod starts in the environments that need signed images: a lost pod is not replaced.",
    ),
)
