"""The alert about versions that nobody decides on. A ticket: the old version serves meanwhile."""

from datetime import timedelta
from typing import Final

from slo.adoption import Adoption
from slo.alerts import SEVERITY
from slo.rules import Group, Rule
from slo.windows import Severity

RUNBOOK: Final = "docs/how-to/deliver-step-by-step.md#continue-a-version-that-is-held"
INTERVAL: Final = timedelta(seconds=30)
# A step's analysis lasts five minutes, and no step of the chart's Rollout pauses by itself.
HOLD: Final = timedelta(minutes=15)


def delivery_group(adoption: Adoption) -> Group:
    """Make the alert about a Rollout that waits for a person.

    The controller's series name the Rollout's namespace as `exported_namespace`, because the
    target has a namespace of its own.
    """
    held = 'rollout_info{job="argo-rollouts-metrics", phase="Paused"}'
    expr = (
        f"label_replace(\n    max by (exported_namespace, name) ({held}),\n"
        f'    "namespace", "$1", "exported_namespace", "(.+)"\n)'
    )
    annotations = {
        "summary": "A new version of {{ $labels.name }} waits in {{ $labels.namespace }}",
        "description": "Its analysis was inconclusive, or a person paused it. New and old pods "
        "serve until a person decides.",
        "runbook_url": adoption.file_url(RUNBOOK),
    }
    labels = {SEVERITY: Severity.TICKET}
    return Group("delivery", INTERVAL, (Rule("RolloutHeld", expr, labels, annotations, HOLD),))
