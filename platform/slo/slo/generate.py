"""Everything that is generated, as text by path: one place that knows what exists."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from telemetry import declarations
from telemetry.names import Metric

from slo import contract, scrape_limits
from slo.adoption import Adoption, load_adoption
from slo.alert_tests import alert_tests
from slo.alerts import SEVERITY, inhibit_rules, service_group, slo_alerts
from slo.analysis import analysis_template, judging
from slo.catalog import (
    alert_names,
    graphs,
    links,
    overview_dashboard,
    platform_links,
    with_servers,
)
from slo.dashboards.detail import detail
from slo.dashboards.frame import to_json
from slo.dashboards.overview import overview
from slo.dashboards.red import red
from slo.declaration import load_services
from slo.emit import (
    dashboards_kustomization,
    prometheus_rule,
    rule_groups,
    rules_kustomization,
    to_yaml,
)
from slo.environments import unjudged
from slo.explain import promises
from slo.limits import oversized
from slo.model import Slo
from slo.operations import backends, collectors, delivery, prometheus, thanos
from slo.operations.alert import group
from slo.rules import (
    BUDGET_INTERVAL,
    EVALUATION_INTERVAL,
    Clock,
    Group,
    budget_rules,
    rate_rules,
    tile_rules,
)
from slo.source import InvalidDeclarationError, Problem
from slo.spec import SloDocument
from slo.windows import Severity, page_windows, ticket_windows

GENERATED = Path("platform/generated")
PLATFORM = "platform"
PROMISES = Path("docs/slos")
SCHEMA = Path("platform/slo/openslo.schema.json")
# Argo CD deploys this file alone, and only where `rollout.enabled` is on.
ANALYSIS = "analysistemplate.yaml"


def generate(root: Path) -> dict[Path, str]:
    """Generate every file of a repository, by its path from the root.

    Raises:
        InvalidDeclarationError: a declaration is wrong, or an environment asks for more than the
            SLOs can do.
    """
    adoption = load_adoption(root)
    files = {SCHEMA: schema()}
    for service, slos in load_services(root).items():
        metrics = declarations.of_service(root / "services" / service).metrics
        made = service_files(service, slos, adoption, metrics)
        groups = service_groups(service, slos, adoption, Clock())
        if wrong := list(oversized(made, groups)):
            file = root / "services" / service / "slo.yaml"
            raise InvalidDeclarationError([Problem(file, 1, "(document)", each) for each in wrong])
        if refused := [*scrape_limits.too_low(root, service), *unjudged(root, service, slos)]:
            raise InvalidDeclarationError(refused)
        document = (root / "services" / service / contract.API).read_text(encoding="utf-8")
        made[contract.API] = with_servers(service, document, adoption)
        files |= _below(GENERATED / service, made)
        files[PROMISES / f"{service}.md"] = promises(service, slos)
    files |= _below(GENERATED / PLATFORM, _platform_files(adoption))
    return files


def _below(folder: Path, files: Mapping[str, str]) -> dict[Path, str]:
    return {folder / name: text for name, text in files.items()}


def service_groups(
    service: str, slos: Sequence[Slo], adoption: Adoption, clock: Clock
) -> list[Group]:
    """Make a service's rule groups: three for each SLO, and one of its own."""
    of_slos = (group for slo in slos for group in _slo_groups(slo, adoption, clock))
    return [*of_slos, service_group(service, clock, adoption)]


def _slo_groups(slo: Slo, adoption: Adoption, clock: Clock) -> Iterator[Group]:
    """Make the groups of one SLO, each of no more rules than Mimir takes in one (20).

    Alerts follow the rates that they read in one group, so that they see those of the same moment.
    One rule reads what another group records at the same interval: the slowest ticket, the pages'
    six hours, one interval late at most.
    """
    interval = clock.lasts(EVALUATION_INTERVAL)
    tiles = tile_rules(slo)
    alerts = slo_alerts(slo, clock, adoption)
    for name, severity, windows in (
        (slo.group, Severity.PAGE, page_windows()),
        (slo.ticket_group, Severity.TICKET, ticket_windows()),
    ):
        own = (alert for alert in alerts if alert.labels[SEVERITY] == severity)
        summed = tiles if severity == Severity.PAGE else ()
        yield Group(name, interval, (*rate_rules(slo, clock, windows), *summed, *own))
    yield Group(slo.budget_group, clock.lasts(BUDGET_INTERVAL), budget_rules(slo, clock))


def service_files(
    service: str, slos: Sequence[Slo], adoption: Adoption, metrics: Sequence[Metric] = ()
) -> dict[str, str]:
    """Generate what belongs to one service; its own metrics are shown beside its requests."""
    groups = service_groups(service, slos, adoption, Clock())
    dashboards = {slo.name: to_json(detail(slo, adoption)) for slo in slos}
    dashboards["requests"] = to_json(red(service, adoption, metrics))
    analysis = {}
    if judging(slos):
        analysis[ANALYSIS] = to_yaml(analysis_template(service, slos, Clock()))
    return {
        "rules.yaml": to_yaml(rule_groups(groups)),
        "rules.test.yaml": to_yaml(alert_tests(service, slos, groups, adoption)),
        "prometheusrule.yaml": to_yaml(prometheus_rule(service, groups)),
        "kustomization.yaml": to_yaml(rules_kustomization()),
        **analysis,
        "links.yaml": to_yaml(links(service, slos, adoption)),
        "alerts.txt": alert_names(service, groups),
        "graphs.txt": graphs(service, adoption),
        "overview-dashboard.txt": overview_dashboard(slos, adoption),
        **_dashboard_files(service, dashboards),
    }


def platform_groups(adoption: Adoption) -> list[Group]:
    """Make the groups of the platform's own alerts, one for each kind of component."""
    found = (("pipeline", collectors), ("metrics", prometheus), ("thanos", thanos))
    rest = (("backends", backends), ("delivery", delivery))
    return [group(name, of.RUNBOOK, of.ALERTS, adoption) for name, of in (*found, *rest)]


def _platform_files(adoption: Adoption) -> dict[str, str]:
    """Generate what belongs to all services together."""
    groups = platform_groups(adoption)
    return {
        "alertmanager.yaml": to_yaml({"inhibit_rules": inhibit_rules()}),
        "rules.yaml": to_yaml(rule_groups(groups)),
        "prometheusrule.yaml": to_yaml(prometheus_rule(PLATFORM, groups)),
        "kustomization.yaml": to_yaml(rules_kustomization()),
        "links.yaml": to_yaml(platform_links(adoption)),
        "project-slug.txt": adoption.slug,
        "repo-url.txt": adoption.repo_url,
        **_dashboard_files("slo", {"overview": to_json(overview())}),
    }


def _dashboard_files(folder: str, dashboards: Mapping[str, str]) -> dict[str, str]:
    """Put dashboards, as text by name, beside what delivers them to a folder of Grafana."""
    return {
        "dashboards/kustomization.yaml": to_yaml(
            dashboards_kustomization(folder, list(dashboards))
        ),
        **{f"dashboards/{name}.json": text for name, text in dashboards.items()},
    }


def schema() -> str:
    """Write the JSON Schema of one SLO document, for editors."""
    generated: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **SloDocument.model_json_schema(),
    }
    return json.dumps(generated, indent=2) + "\n"


def scaled_rules(root: Path, adoption: Adoption, clock: Clock) -> dict[Path, str]:
    """Generate each service's rules alone, with time compressed, as `<service>/rules.yaml`."""
    note = f"# Prometheus must scrape every {clock.promql(EVALUATION_INTERVAL)} for these rules.\n"
    return {
        Path(service, "rules.yaml"): note
        + to_yaml(rule_groups(service_groups(service, slos, adoption, clock)))
        for service, slos in load_services(root).items()
    }


def write(folder: Path, files: Mapping[Path, str]) -> None:
    """Write files into a folder; what else lies there stays."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def update(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """Write a repository's files that are new or changed, delete those that are generated no more.

    Args:
        root: the repository.
        files: all that is generated for it, as `generate` gives it.

    Returns:
        The paths that changed.
    """
    changed = differences(root, files)
    write(root, {path: files[path] for path in changed if path in files})
    for path in changed:
        if path not in files:
            (root / path).unlink()
    return changed


def is_apart(folder: Path, root: Path) -> bool:
    """Tell whether a folder is no repository's, nor lies among what is generated for `root`."""
    generated = (root / GENERATED).resolve()
    return not (folder / GENERATED).exists() and not folder.resolve().is_relative_to(generated)


def differences(root: Path, files: Mapping[Path, str]) -> list[Path]:
    """List the files that are missing, that differ, or that should not be there."""
    wrong = [
        path
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    ]
    there = [*(root / GENERATED).rglob("*"), *(root / PROMISES).glob("*.md")]
    named = (path.relative_to(root) for path in there if path.is_file())
    return sorted([*wrong, *(path for path in named if path not in files)])
