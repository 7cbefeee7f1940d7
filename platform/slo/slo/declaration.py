"""From a service's `slo.yaml` to its SLOs: form first, then what the form cannot say."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from telemetry import names

from slo import probes
from slo.contract import Contract, Family, UnknownRoutesError
from slo.coverage import leftover
from slo.limits import Names
from slo.matchers import Matcher, OneOf, Prefix
from slo.model import Slo, Source
from slo.nearest import nearest_name
from slo.possible import impossible
from slo.source import Document, InvalidDeclarationError, Location, Problem, read_documents
from slo.spec import CALENDARS, RUNBOOK, PrefixForm, SloDocument, SourceSpec
from slo.windows import BURN_WINDOWS, plain

# Names that the compiler gives to something else.
RESERVED_SERVICES: Final = {"platform": "its folder holds what belongs to all services"}
RESERVED_NAMES: Final = {"requests": "so is the service's dashboard of all requests called"}
RESERVED_LABELS: Final = (names.SERVICE_NAME, names.ENVIRONMENT, "le")

_METADATA: Location = ("metadata",)
_RATIO: Location = ("spec", "indicator", "spec", "ratioMetric")


def load_service(file: Path) -> list[Slo]:
    """Read the SLOs that a service declares, in the file's order.

    Args:
        file: `services/<service>/slo.yaml`.

    Raises:
        InvalidDeclarationError: with every problem of the file.
    """
    return _load([file])[file]


def load_services(root: Path, service: str | None = None) -> dict[str, list[Slo]]:
    """Read what every service of a repository declares, or one service alone, by service.

    Raises:
        InvalidDeclarationError: there is no declaration, or with every problem of every file.
    """
    files = list(find_declarations(root, service))
    if not files:
        place = root / "services" / (service or "*") / "slo.yaml"
        raise InvalidDeclarationError([], f"no declaration at {place}")
    return {file.parent.name: slos for file, slos in _load(files).items()}


def _load(files: Iterable[Path]) -> dict[Path, list[Slo]]:
    problems: list[Problem] = []
    loaded: dict[Path, list[Slo]] = {}
    taken = Names()
    for file in files:
        loaded[file] = []
        try:
            documents = read_documents(file)
        except InvalidDeclarationError as error:
            problems += error.problems
            continue
        if not documents:
            problems.append(Problem(file, 1, "(document)", "declares no SLO"))
        for document in documents:
            parsed = _parse(document, problems)
            if parsed is None:
                continue
            reader = _Reader(document, parsed, Contract(file.parent))
            slo = reader.read()
            for location, message in taken.claim(file, slo).items():
                reader.report(location, message)
            loaded[file].append(slo)
            problems += reader.problems
    if problems:
        raise InvalidDeclarationError(list(dict.fromkeys(problems)))
    return loaded


def _parse(document: Document, problems: list[Problem]) -> SloDocument | None:
    try:
        return SloDocument.model_validate(document.data)
    except ValidationError as error:
        found = [_problem_of(document, details) for details in error.errors()]
        problems += dict.fromkeys(found)
        return None


def _problem_of(document: Document, details: ErrorDetails) -> Problem:
    location: Location = ()
    for step in details["loc"]:
        if (*location, step) not in document.lines:
            if details["type"] == "missing":
                return document.problem((*location, step), "is required and missing")
            # A step that is no key of the file is pydantic's name for one form of several.
            return document.problem(location, _expected(location))
        location = (*location, step)
    if details["type"] == "extra_forbidden":
        return document.problem(location, "unknown field")
    return document.problem(location, details["msg"].removeprefix("Value error, "))


def _expected(location: Location) -> str:
    if location[-1] in {"target", "targetPercent", "le"}:
        return "must be a number"
    return "must be a text, a list of texts, {prefix: …} or {notPrefix: …}"


@dataclass
class _Reader:
    document: Document
    parsed: SloDocument
    contract: Contract
    problems: list[Problem] = field(default_factory=list)

    def report(self, location: Location, message: str) -> None:
        self.problems.append(self.document.problem(location, message))

    def read(self) -> Slo:
        spec, metadata = self.parsed.spec, self.parsed.metadata
        ratio = spec.indicator.spec.ratioMetric
        home = self.document.file.parent
        if spec.service != home.name:
            self.report(("spec", "service"), f"must be the folder's name, {home.name!r}")
        annotations = (*_METADATA, "annotations")
        page = (home / metadata.annotations.runbook).resolve()
        if not (page.is_file() and page.is_relative_to(home.resolve())):
            message = f"no page {metadata.annotations.runbook} in {home}: write it"
            self.report((*annotations, RUNBOOK), message)
        self._names(spec.service, metadata.name)
        told = len(self.problems)
        sources = {
            kind: self._source((*_RATIO, kind), metric.metricSource.spec)
            for kind, metric in (("total", ratio.total), ("good", ratio.good), ("bad", ratio.bad))
            if metric is not None
        }
        if len(self.problems) == told:  # else there is nothing to compare
            self._narrows(sources)
        duration = spec.timeWindow[0].duration
        calendar = CALENDARS.get(duration)
        period = calendar.longest if calendar else timedelta(days=int(duration.removesuffix("d")))
        slo = Slo(
            service=spec.service,
            name=metadata.name,
            title=metadata.displayName,
            description=spec.description,
            objective=self._objective(),
            period=period,
            calendar=calendar,
            total=sources["total"],
            good=sources.get("good"),
            bad=sources.get("bad"),
            runbook=metadata.annotations.runbook,
            minimum_bad_events=int(metadata.annotations.minimum_bad_events),
        )
        self._pages(slo)
        return slo

    def _names(self, service: str, name: str) -> None:
        if service in RESERVED_SERVICES:
            self.report(("spec", "service"), f"{service!r} is taken: {RESERVED_SERVICES[service]}")
        if name in RESERVED_NAMES:
            self.report((*_METADATA, "name"), f"{name!r} is taken: {RESERVED_NAMES[name]}")

    def _objective(self) -> Decimal:
        key, location = self._target()
        value = Decimal(getattr(self.parsed.spec.objectives[0], key))
        objective = value if key == "target" else value / 100
        if not (objective.is_finite() and 0 < objective < 1):
            limit = 1 if key == "target" else 100
            self.report(location, f"must lie between 0 and {limit}, both excluded")
        return objective

    def _target(self) -> tuple[str, Location]:
        given = self.parsed.spec.objectives[0]
        key = "target" if given.target is not None else "targetPercent"
        return key, ("spec", "objectives", 0, key)

    def _pages(self, slo: Slo) -> None:
        """A page must be able to fire."""
        if not (slo.objective.is_finite() and 0 < slo.objective < 1):
            return
        steepest = max(window.factor(slo.alerting_period) for window in BURN_WINDOWS)
        if steepest * Fraction(slo.budget) >= 1:
            lowest = 1 - Decimal(1) / Decimal(float(steepest))
            _, location = self._target()
            self.report(
                location,
                f"no ratio of bad events can reach {float(steepest):g} times the budget of "
                f"{plain(slo.budget)}, so a page could never fire: set it above {lowest:.4f} "
                "(as a ratio)",
            )

    def _source(self, location: Location, spec: SourceSpec) -> Source:
        location = (*location, "metricSource", "spec")
        family = self._family((*location, "metric"), spec.metric)
        selectors = tuple(
            {label: _matcher(value) for label, value in selector.items()}
            for selector in spec.select
        )
        le = None if spec.le is None else repr(float(spec.le))
        counter = spec.metric if spec.metric in probes.COUNTERS else None
        if family is None:
            return Source(Family(spec.metric, histogram=False, values={}), selectors, le)
        self._bound(location, spec)
        for index, selector in enumerate(selectors):
            for label, matcher in selector.items():
                self._label((*location, "select", index, label), family, label, matcher)
        return Source(family, selectors, le, counter)

    def _family(self, location: Location, name: str) -> Family | None:
        metrics = self.contract.metrics
        metric = metrics.get(name)
        counting = [each.name for each in metrics.values() if each.kind != "gauge"]
        counting += probes.COUNTERS
        if name in probes.COUNTERS:
            return self._probes(location)
        if metric is None:
            place = self.contract.home / "*" / "names.py"
            self.report(
                location,
                f"{name!r} is declared neither for every service nor in {place}: write "
                f"{nearest_name(name, counting)!r}, or declare it",
            )
        elif metric.kind == "gauge":
            self.report(location, f"{name!r} is a gauge, which counts no events")
        else:
            try:
                return self.contract.family(metric)
            except UnknownRoutesError as error:
                self.report(location, str(error))
        return None

    def _probes(self, location: Location) -> Family | None:
        asked, file = probes.asked(self.contract.home), probes.values_file(self.contract.home)
        try:
            routes = [*(route for _, route in self.contract.operations), *names.PROBE_ROUTES]
        except UnknownRoutesError as error:
            self.report(location, str(error))
            return None
        if not asked:
            self.report(location, f"{file} has no prober.probes: add the routes to ask for")
            return None
        for route in asked:
            if route not in routes:
                right = nearest_name(route, routes)
                self.report(
                    location, f"prober.probes of {file}: {route!r} is no route: write {right!r}"
                )
        return probes.family(asked)

    def _bound(self, location: Location, spec: SourceSpec) -> None:
        metric = self.contract.metrics.get(spec.metric)
        bounds = metric.buckets if metric and metric.kind == "histogram" else ()
        if spec.le is not None and location[-3] != "good":
            self.report((*location, "le"), "only good events can end at a bucket bound")
        elif spec.le is not None and float(spec.le) not in bounds:
            listed = ", ".join(f"{bound:g}" for bound in bounds)
            self.report((*location, "le"), f"is no bucket bound of {spec.metric}: {listed}")

    def _label(self, location: Location, family: Family, label: str, matcher: Matcher) -> None:
        if label in RESERVED_LABELS:
            self.report(location, "is set by the compiler; leave it out")
            return
        for within, message in impossible(family, label, matcher):
            place = (*location, *within)
            self.report(place if place in self.document.lines else location, message)

    def _narrows(self, sources: dict[str, Source]) -> None:
        """Good or bad events must be some of all events, or their ratio could exceed 1."""
        total = sources["total"]
        (kind, part), *_ = ((kind, source) for kind, source in sources.items() if kind != "total")
        location = (*_RATIO, kind, "metricSource", "spec")
        if part.family != total.family:
            self.report((*location, "metric"), "must be the metric of total")
            return
        for index, selector in enumerate(part.selectors):
            if leftover([selector], total.selectors, total.family) is not None:
                message = "picks events that no selector of total picks"
                self.report((*location, "select", index), message)
        if total.family.outside:
            for each, counter in ((kind, probes.SUCCESS), ("total", probes.TOTAL)):
                if sources[each].counter != counter or kind != "good":
                    place = (*_RATIO, each, "metricSource", "spec", "metric")
                    self.report(place, f"good probes are {probes.SUCCESS} of {probes.TOTAL}")
            if leftover(total.selectors, part.selectors, total.family) is not None:
                self.report((*location, "select"), "must pick the probes that total picks")
        if (
            part.series == total.series
            and leftover(total.selectors, part.selectors, total.family) is None
        ):
            self.report((*location, "select"), f"picks every event of total: each would be {kind}")


def _matcher(value: str | list[str] | PrefixForm) -> Matcher:
    match value:
        case str():
            return OneOf((value,))
        case list():
            return OneOf(tuple(value))
        case PrefixForm(prefix=str(prefix)):
            return Prefix(prefix)
        case _:
            return Prefix(value.notPrefix or "", negated=True)


def find_declarations(root: Path, service: str | None = None) -> Iterator[Path]:
    """Find each service's declaration below a repository's root, in order of name."""
    yield from sorted(root.glob(f"services/{service or '*'}/slo.yaml"))
