"""Flags of Thanos that decide what an answer means, from the charts of the profile `scaled`."""

import json
from collections.abc import Sequence

from ruamel.yaml import YAML
from stack import values

_THANOS = values.chart("thanos")["thanos"]
_SPEC = values.prometheus("scaled")["prometheus"]["prometheusSpec"]
_ENDPOINTS = "--endpoint.sd-config="
_RETENTION = "--retention.resolution-"

QUERY = (
    *(f"--query.replica-label={label}" for label in _THANOS["additionalReplicaLabels"]),
    *(flag for flag in _THANOS["query"]["extraArgs"] if not flag.startswith(_ENDPOINTS)),
)
STRICT = [
    each["address"]
    for flag in _THANOS["query"]["extraArgs"]
    if flag.startswith(_ENDPOINTS)
    for each in YAML(typ="safe").load(flag.removeprefix(_ENDPOINTS))["endpoints"]
    if each["strict"]
]
"""Addresses that Query never leaves out."""

COMPACTOR = tuple(_THANOS["compact"]["extraArgs"])
RETENTION = dict(
    flag.removeprefix(_RETENTION).split("=") for flag in COMPACTOR if flag.startswith(_RETENTION)
)
"""By resolution, such as `raw`: how long the compactor keeps it."""

# By the operator, for `disableCompaction`; and the label that tells rulers apart is not in alerts.
assert _SPEC["disableCompaction"]
PROMETHEUS = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h")
RULER = ("--alert.label-drop=thanos_ruler_replica",)


def prometheus_spec(retention: str = "") -> values.Values:
    """Return the specification of a Prometheus, as far as processes know it; retention replaced."""
    spec: values.Values = values.prometheus()["prometheus"]["prometheusSpec"]
    own = {key: _SPEC[key] for key in ("retention", "retentionSize")}
    return {**spec, **own, **({"retention": retention} if retention else {})}


def strict(addresses: Sequence[str]) -> str:
    """Return the flag that makes endpoints strict, in the form that the chart has."""
    endpoints = [{"address": address, "strict": True} for address in addresses]
    return _ENDPOINTS + json.dumps({"endpoints": endpoints})
