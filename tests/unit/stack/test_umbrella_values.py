"""Values of the umbrella charts are differences from upstream, each explained on one page."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from stack import values

PAGE = values.ROOT / "docs/umbrella-values.md"
# Whole configurations of a component, which the end-to-end tests run: one key each.
WHOLE = {
    "additionalPrometheusRulesMap", "alternateConfig", "config", "datasources", "structuredConfig",
    "userconfig",
}  # fmt: skip
UMBRELLAS = sorted(
    file.parent
    for file in values.PLATFORM.glob("**/Chart.yaml")
    if "dependencies" in values.read(file)
)


def keys(given: Mapping[str, Any], above: str = "") -> Iterator[str]:
    for key, value in given.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and value and key not in WHOLE:
            yield from keys(value, f"{path}.")
        else:
            yield path


def explained() -> set[str]:
    cells = (line.split("|")[1:4] for line in PAGE.read_text().splitlines() if line.startswith("|"))
    return {name for cell in cells for name in re.findall(r"`([\w.-]+)`", " ".join(cell))}


@pytest.mark.parametrize("umbrella", UMBRELLAS, ids=lambda folder: folder.name)
def test_each_key_is_on_the_page_with_the_default_that_it_changes(umbrella: Path) -> None:
    set_here = set(keys(values.read(umbrella / "values.yaml")))
    assert set_here
    assert set_here - explained() == set()


@pytest.mark.parametrize("umbrella", UMBRELLAS, ids=lambda folder: folder.name)
def test_its_chart_comes_from_its_official_repository(umbrella: Path) -> None:
    official = {
        "opentelemetry-collector": "https://open-telemetry.github.io/opentelemetry-helm-charts",
        "kube-prometheus-stack": "https://prometheus-community.github.io/helm-charts",
        "prometheus-adapter": "https://prometheus-community.github.io/helm-charts",
        "grafana": "https://grafana-community.github.io/helm-charts",
        "loki": "https://grafana-community.github.io/helm-charts",
        "jaeger": "https://jaegertracing.github.io/helm-charts",
        "argo-cd": "https://argoproj.github.io/argo-helm",
        "argo-rollouts": "https://argoproj.github.io/argo-helm",
        "kyverno": "https://kyverno.github.io/kyverno",
        # Thanos has none of its own: docs/decisions/0104-profiles-as-overlays.md.
        "thanos": "https://stevehipwell.github.io/helm-charts",
    }
    for dependency in values.read(umbrella / "Chart.yaml")["dependencies"]:
        assert dependency["repository"] == official[dependency["name"]]


def test_services_send_to_the_agents_by_the_name_that_they_have() -> None:
    agent = values.chart("otel-collector")["agent"]
    telemetry = values.chart("chart")["telemetry"]
    assert telemetry["agent"] == agent["fullnameOverride"]
    assert agent["service"]["enabled"]
    receiver = agent["alternateConfig"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    assert receiver.endswith(f":{telemetry['port']}}}")
