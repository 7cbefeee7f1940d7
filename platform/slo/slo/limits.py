"""Limits of Grafana, Prometheus and Kubernetes: names given twice, and sizes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from slo.alerts import (
    burn_alert_name,
    missing_alert_name,
    no_ready_pods_name,
    watchdog_group,
    watchdog_name,
)
from slo.model import Slo, requests_title, requests_uid
from slo.rules import Group
from slo.source import Location
from slo.windows import BURN_WINDOWS

# Columns of Grafana's database: a tag names the service, a title the SLO.
TAG_LENGTH: Final = 50
TITLE_LENGTH: Final = 255
# PagerDuty's `summary`, the shortest field that an annotation is put into.
ANNOTATION_LENGTH: Final = 1024
# `kubectl apply` keeps an object in its own annotations, of which an object has so many bytes.
OBJECT_BYTES: Final = 262_144

_SERVICE: Location = ("spec", "service")
_NAME: Location = ("metadata", "name")
_TITLE: Location = ("metadata", "displayName")

Claim = tuple[Location, str, str]


def _of_service(service: str) -> Iterator[Claim]:
    yield _SERVICE, "rule group", watchdog_group(service)
    yield _SERVICE, "alert", watchdog_name(service)
    yield _SERVICE, "alert", no_ready_pods_name(service)
    yield _SERVICE, "dashboard uid", requests_uid(service)
    yield _SERVICE, "dashboard title", requests_title(service)


def _of_slo(slo: Slo) -> Iterator[Claim]:
    for group in (slo.group, slo.ticket_group, slo.budget_group):
        yield _NAME, "rule group", group
    for window in BURN_WINDOWS:
        yield _NAME, "alert", burn_alert_name(slo, window)
    yield _NAME, "alert", missing_alert_name(slo)
    yield _NAME, "dashboard uid", slo.uid
    yield _TITLE, "dashboard title", slo.dashboard_title


@dataclass
class Names:
    """Every name that the declarations of a repository make, and which of them makes it."""

    _taken: dict[tuple[str, str], Path] = field(default_factory=dict)
    _services: set[Path] = field(default_factory=set)

    def claim(self, file: Path, slo: Slo) -> dict[Location, str]:
        """Take the names that an SLO makes; the first of its service takes the service's too.

        Returns:
            What is wrong with them, by the field that they are made of.
        """
        claims = [*_of_slo(slo)]
        if file not in self._services:
            self._services.add(file)
            claims = [*_of_service(slo.service), *claims]
        wrong: dict[Location, str] = {}
        for location, kind, name in claims:
            # Grafana trims titles, and some of its databases compare them in any case.
            key = (kind, name.strip().casefold() if location == _TITLE else name)
            if key in self._taken:
                made = f"makes the {kind} {name!r}, which {self._taken[key]} makes already"
                wrong.setdefault(location, made)
            self._taken[key] = file
        return dict(_too_long(slo)) | wrong


def _too_long(slo: Slo) -> Iterator[tuple[Location, str]]:
    for location, kind, name, limit in (
        (_SERVICE, "tag", slo.service, TAG_LENGTH),
        (_TITLE, "title", slo.dashboard_title, TITLE_LENGTH),
    ):
        if len(name) > limit:
            made = f"makes a dashboard's {kind} of {len(name)} characters; Grafana takes {limit}"
            yield location, f"{made} at most"


def oversized(files: Mapping[str, str], groups: Sequence[Group]) -> Iterator[str]:
    """Yield what is too large of what a service's declaration makes.

    Args:
        files: what is generated for the service, by path.
        groups: its rule groups.
    """
    for name, text in files.items():
        if name == "prometheusrule.yaml" or name.endswith(".json"):
            size = len(text.encode())
            if size > OBJECT_BYTES:
                yield f"{name} has {size} bytes; Kubernetes takes {OBJECT_BYTES} at most"
    for rule in (rule for group in groups for rule in group.rules):
        for key, text in rule.annotations.items():
            if len(text) > ANNOTATION_LENGTH:
                yield (
                    f"{rule.name}: its annotation {key} has {len(text)} characters; "
                    f"receivers take {ANNOTATION_LENGTH} at most"
                )
