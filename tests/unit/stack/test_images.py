"""The official images: the versions that clusters run."""

from typing import Any

import pytest
from stack import values
from stack.images import image


def test_each_component_has_its_official_image_at_the_version_that_the_charts_pin() -> None:
    collector = values.chart("otel-collector")
    stack = values.prometheus()
    tags = {
        "quay.io/prometheus/prometheus": stack["prometheus"]["prometheusSpec"],
        "quay.io/prometheus/alertmanager": stack["alertmanager"]["alertmanagerSpec"],
        "docker.io/jaegertracing/jaeger": values.chart("jaeger")["jaeger"]["jaeger"],
        "docker.io/grafana/loki": values.chart("loki")["loki"]["loki"],
        "docker.io/grafana/grafana": values.chart("grafana")["grafana"],
        "docker.io/otel/opentelemetry-collector-k8s": collector["agent"],
        "docker.io/otel/opentelemetry-collector-contrib": collector["gateway"],
        "docker.io/cloudprober/cloudprober": values.chart("chart")["prober"],
    }
    components = (
        "prometheus", "alertmanager", "jaeger", "loki", "grafana", "agent", "gateway", "prober",
    )  # fmt: skip
    assert [image(name) for name in components] == [
        f"{name}:{holding['image']['tag']}" for name, holding in tags.items()
    ]


@pytest.mark.parametrize(
    ("pinned", "expected"),
    [
        ({"digest": "sha256:abc"}, "docker.io/grafana/loki@sha256:abc"),
        ({"sha": "abc"}, "docker.io/grafana/loki@sha256:abc"),
        ({"registry": "mirror.example"}, "mirror.example/grafana/loki:3.7.8"),
        ({"repository": "copies/loki"}, "docker.io/copies/loki:3.7.8"),
    ],
)
def test_a_digest_or_a_mirror_in_the_charts_values_counts_here_too(
    monkeypatch: pytest.MonkeyPatch, pinned: dict[str, Any], expected: str
) -> None:
    given = {"loki": {"loki": {"image": {"tag": "3.7.8", **pinned}}}}
    monkeypatch.setattr("stack.images.values.chart", lambda _: given)
    assert image("loki") == expected
