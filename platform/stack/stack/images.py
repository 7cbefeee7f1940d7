"""The official image of each component, of the version that its umbrella chart's values pin."""

from typing import Final, NamedTuple

from stack import values


class _Image(NamedTuple):
    registry: str  # this and the repository are the upstream chart's, unless our values name others
    repository: str
    chart: str
    keys: tuple[str, ...]  # lead to `image` in the values of `platform/<chart>`


_STACK: Final = "kube-prometheus-stack"
_IMAGES: Final = {
    "prometheus": _Image(
        "quay.io", "prometheus/prometheus", "prometheus", (_STACK, "prometheus", "prometheusSpec")
    ),
    "alertmanager": _Image(
        "quay.io",
        "prometheus/alertmanager",
        "prometheus",
        (_STACK, "alertmanager", "alertmanagerSpec"),
    ),
    "jaeger": _Image("docker.io", "jaegertracing/jaeger", "jaeger", ("jaeger", "jaeger")),
    "loki": _Image("docker.io", "grafana/loki", "loki", ("loki", "loki")),
    "grafana": _Image("docker.io", "grafana/grafana", "grafana", ("grafana",)),
    "prober": _Image("docker.io", "cloudprober/cloudprober", "chart", ("prober",)),
    "agent": _Image("docker.io", "otel/opentelemetry-collector-k8s", "otel-collector", ("agent",)),
    "gateway": _Image(
        "docker.io", "otel/opentelemetry-collector-contrib", "otel-collector", ("gateway",)
    ),
}


def image(component: str) -> str:
    """`registry/repository:tag`, or `registry/repository@sha256:…` where the values pin a digest.

    The digest's key is the upstream chart's: `sha` or `digest`, beside `tag`.
    """
    known = _IMAGES[component]
    pinned = values.chart(known.chart)
    for key in (*known.keys, "image"):
        pinned = pinned[key]
    registry = pinned.get("registry", known.registry)
    name = f"{registry}/{pinned.get('repository', known.repository)}"
    if digest := pinned.get("digest") or pinned.get("sha"):
        return f"{name}@sha256:{digest.removeprefix('sha256:')}"
    return f"{name}:{pinned['tag']}"
