"""The components' configurations, read from the umbrella charts that clusters are deployed from."""

import copy
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML

PLATFORM: Final = Path(__file__).parents[2]
ROOT: Final = PLATFORM.parent
SINGLE: Final = "single"
LOCAL: Final = "local"
"""The profile of `make stack`."""

# Rules and dashboards of every service, which `make generate` writes.
GENERATED: Final = PLATFORM / "generated"
# Needs the Kubernetes API; the Collector's chart defines it, the pipelines only place it.
ONLY_IN_CLUSTER: Final = "k8s_attributes"
# Container of a gateway that samples traces, and the file that it writes.
LAST_ALIVE: Final = "last-alive"

Values = dict[str, Any]


def read(file: Path) -> Values:
    """Read a YAML mapping."""
    return copy.deepcopy(_parsed(file.read_text()))


@functools.cache
def _parsed(text: str) -> Values:
    loaded: Values = YAML(typ="safe", pure=True).load(text)
    return loaded


def chart(name: str, overlays: Sequence[str] = ()) -> Values:
    """Values of the umbrella chart `platform/<name>`, overlays merged as Helm merges them."""
    folder = PLATFORM / name
    merged: Values = {}
    for file in ("values.yaml", *overlays):
        merged = merge(merged, read(folder / file))
    return merged


def of_profile(name: str, profile: str, overlays: Sequence[str] = ()) -> Values:
    """Values of the umbrella chart `platform/<name>` in a profile; `single` is what they are."""
    own = PLATFORM / "profiles" / profile / f"{name}.yaml"
    return chart(name, [*([str(own)] if own.exists() else []), *overlays])


def merge(base: Values, over: Mapping[str, Any]) -> Values:
    """Merge as Helm does: mappings key by key, whatever else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        known = merged.get(key)
        if isinstance(known, dict) and isinstance(value, Mapping):
            merged[key] = merge(known, value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def service(name: str) -> Values:
    """Values of the service chart for a service; the chart's own for one of another repository."""
    file = ROOT / "services" / name / "values.yaml"
    return merge(chart("chart"), read(file) if file.is_file() else {})


def collector(role: str, overlays: Sequence[str] = (), profile: str = LOCAL) -> Values:
    """Configuration of the Collector in a role, without the one processor that needs a cluster."""
    values = of_profile("otel-collector", profile, overlays)
    config: Values = values[role]["alternateConfig"]
    for pipeline in config["service"]["pipelines"].values():
        pipeline["processors"] = [p for p in pipeline["processors"] if p != ONLY_IN_CLUSTER]
    return config


def last_alive(overlays: Sequence[str] = (), profile: str = LOCAL) -> list[str] | None:
    """Command of the container that notes when the gateway was alive; None where it has none."""
    gateway: Values = of_profile("otel-collector", profile, overlays)["gateway"]
    commands = {each["name"]: each["command"] for each in gateway.get("initContainers", ())}
    return commands.get(LAST_ALIVE)


def jaeger(profile: str = LOCAL) -> Values:
    """Configuration of Jaeger in a profile."""
    config: Values = of_profile("jaeger", profile)["jaeger"]["userconfig"]
    return config


def loki(profile: str = LOCAL) -> Values:
    """Configuration of Loki in a profile."""
    config: Values = of_profile("loki", profile)["loki"]["loki"]["structuredConfig"]
    return config


def prometheus(profile: str = SINGLE) -> Values:
    """Values of the chart that bundles Prometheus and Alertmanager, in a profile."""
    values: Values = of_profile("prometheus", profile)["kube-prometheus-stack"]
    return values


def alertmanager(receivers: Path) -> Values:
    """Configuration of Alertmanager, the receivers' addresses in files of `receivers`.

    The profile `local` has receivers without addresses. The stack gives each an address of its own.
    """
    config: Values = prometheus()["alertmanager"]["config"]
    for receiver in config["receivers"]:
        for webhook in receiver.get("webhook_configs", ()):
            webhook["url_file"] = str(receivers / Path(webhook["url_file"]).name)
    return config


def grafana_datasources() -> Values:
    """Grafana's datasource provisioning."""
    grafana: Values = of_profile("grafana", LOCAL)["grafana"]
    config: Values = grafana["datasources"]["datasources.yaml"]
    return config


def grafana_version() -> str:
    """Version of Grafana, the tag of its image."""
    version: str = of_profile("grafana", LOCAL)["grafana"]["image"]["tag"]
    return version


def pipeline_rules() -> Values:
    """Alert rules of the pipeline itself."""
    return read(GENERATED / "platform" / "rules.yaml")


def service_rules() -> list[Path]:
    """Files of the rules that are generated for each service."""
    files = GENERATED.glob("*/rules.yaml")
    return sorted(file for file in files if file.parent.name != "platform")
