from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from slo.calendar import Calendar
from slo.contract import Contract
from slo.declaration import load_service, load_services
from slo.matchers import OneOf, Prefix
from slo.model import Selector, Slo, Source
from slo.source import InvalidDeclarationError

from tests.unit.slo.conftest import VALID, declare

METRIC = "http_server_request_duration_seconds"
BAD = "spec.indicator.spec.ratioMetric.bad.metricSource.spec"
GOOD = BAD.replace("bad", "good")
TOTAL = BAD.replace("bad", "total")


ROLLING = "30d\n      isRolling: true"


def quarter(start: str = "2026-01-01") -> str:
    """The time window of a quarter, in the place of `ROLLING`."""
    return f"""\
1Q
      isRolling: false
      calendar:
        startTime: "{start} 00:00:00"
        timeZone: UTC"""


@pytest.mark.parametrize("calendar", Calendar)
def test_a_calendar_window_is_read(root: Path, calendar: Calendar) -> None:
    text = quarter().replace("1Q", "1M") if calendar is Calendar.MONTH else quarter()
    (slo,) = load_service(declare(root, "shop", VALID.replace(ROLLING, text)))
    assert (slo.calendar, slo.period) == (calendar, calendar.longest)
    assert slo.alerting_period == timedelta(days=30)


def test_a_declaration_is_read_whole(root: Path) -> None:
    routes = OneOf(("/a", "/b"))
    failed: Selector = {"http_route": routes, "http_response_status_code": Prefix("5")}
    contract = Contract(root / "services/shop")
    family = contract.family(contract.metrics[METRIC])
    assert load_service(root / "services/shop/slo.yaml") == [
        Slo(
            service="shop",
            name="availability",
            title="Availability",
            description="It answers.",
            objective=Decimal("0.999"),
            period=timedelta(days=30),
            total=Source(family, selectors=({"http_route": routes},)),
            good=None,
            bad=Source(family, selectors=(failed,)),
            runbook="runbooks/availability.md",
            minimum_bad_events=5,
        )
    ]


def test_a_percentage_is_the_same_objective(root: Path) -> None:
    file = declare(root, "shop", VALID.replace("target: 0.999", "targetPercent: 99.9"))
    assert load_service(file)[0].objective == Decimal("0.999")


def test_a_latency_bound_reads_the_bucket_that_prints_it(root: Path) -> None:
    good = VALID.replace("        bad:", "        good:").replace(
        "              metric: http", "              le: 1\n              metric: http", 1
    )
    (slo,) = load_service(declare(root, "shop", good))
    assert slo.good is not None
    assert (slo.good.series, slo.good.le) == (f"{METRIC}_bucket", "1.0")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        ("kind: SLO", "kind: Service", 2, "kind: Input should be 'SLO'"),
        ("  name: avail", "  nam: a\n  name: avail", 4, "metadata.nam: unknown field"),
        ("  name: availability", "", 3, "metadata.name: is required and missing"),
        ("  name: availability", "  name: A b", 4, "metadata.name: String should match pattern"),
        ("0.999", "0", 38, "objectives[0].target: must lie between 0 and 1, both excluded"),
        ("0.999", "1", 38, "objectives[0].target: must lie between 0 and 1, both excluded"),
        ("0.999", ".nan", 38, "objectives[0].target: must be a number"),
        ("target: 0.999", "targetPercent: 100", 38, "must lie between 0 and 100, both excluded"),
        ("0.999", "0.93", 38, "14.4 times the budget of 0.07, so a page could never fire"),
        ("0.999", '"0.999"', 38, "objectives[0].target: must be a number"),
        ("- target: 0.999", "- displayName: x", 38, "give either target or targetPercent"),
        ("30d", "31d", 34, "timeWindow[0].duration: Input should be '7d', '28d', '30d', '1M' or"),
        ("isRolling: true", "isRolling: false", 34, "timeWindow[0]: 30d needs isRolling: true"),
        ("30d", "1M", 34, "timeWindow[0]: 1M needs isRolling: false"),
        (ROLLING, "1M\n      isRolling: false", 34, "1M needs a calendar (startTime and timeZone)"),
        (ROLLING, quarter("2026-02-01"), 34, "must be in a month that begins a quarter: [1, 4, 7"),
        (ROLLING, quarter("2026-01-02"), 37, "calendar.startTime: String should match pattern"),
        (ROLLING, quarter().replace("UTC", "CET"), 38, "timeZone: Input should be 'UTC'"),
        (ROLLING, quarter().replace("1Q", "30d"), 34, "30d needs isRolling: true"),
        ("service: shop", "service: shed", 11, "spec.service: must be the folder's name, 'shop'"),
        ("runbooks/availability", "runbooks/none", 7, "no page runbooks/none.md in"),
        ("runbooks/availability.md", "../slo.md", 7, "no page ../slo.md in"),
        ('events: "5"', 'events: "0"', 8, "minimum-bad-events: String should match pattern"),
        ('{prefix: "5"}', '{prefix: "5", notPrefix: "4"}', 25, "must be a text, a list of texts"),
        ('{prefix: "5"}', "500", 25, f"{BAD}.select[0].http_response_status_code: must be"),
        ('"/b"]\n  ', '"/live"]\n  ', 24, "select[0]: picks events that no selector of total"),
        ("http_response_status_code:", "service_name:", 25, "service_name: is set by the compiler"),
        ("        bad:", "        both:", 18, "ratioMetric.both: unknown field"),
    ],
)  # fmt: skip
def test_each_error_of_a_declaration_names_line_and_path(
    root: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in VALID
    file = declare(root, "shop", VALID.replace(old, new, 1))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    told = [str(each) for each in caught.value.problems]
    assert any(each.startswith(f"{file}:{line}: ") and problem in each for each in told), told


def test_a_latency_threshold_must_be_a_bucket_bound(root: Path) -> None:
    good = VALID.replace("        bad:", "        good:").replace(
        "              metric: http", "              le: 0.2\n              metric: http", 1
    )
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(declare(root, "shop", good))
    (problem,) = caught.value.problems
    assert (problem.line, problem.path) == (22, f"{GOOD}.le")
    assert problem.message == (
        f"is no bucket bound of {METRIC}: "
        "0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10"
    )


def test_bad_events_cannot_end_at_a_bucket_bound(root: Path) -> None:
    text = VALID.replace(
        "              metric: http", "              le: 0.1\n              metric: http", 1
    )
    with pytest.raises(InvalidDeclarationError, match="only good events can end at a bucket bound"):
        load_service(declare(root, "shop", text))


def test_bad_events_that_are_all_events_are_refused(root: Path) -> None:
    text = VALID.replace('                  http_response_status_code: {prefix: "5"}\n', "")
    with pytest.raises(InvalidDeclarationError, match="every event of total"):
        load_service(declare(root, "shop", text))


def test_bad_events_that_are_all_events_together_are_refused(root: Path) -> None:
    rest = """\
                - http_route: ["/a", "/b"]
                  http_response_status_code: {notPrefix: "5"}
"""
    at = VALID.index("        total:")
    file = declare(root, "shop", VALID[:at] + rest + VALID[at:])
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    assert [str(problem) for problem in caught.value.problems] == [
        f"{file}:23: {BAD}.select: picks every event of total: each would be bad"
    ]


def test_a_name_that_stands_twice_is_told_in_the_second_document(root: Path) -> None:
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(declare(root, "shop", f"{VALID}---\n{VALID}"))
    assert {(each.line, each.path) for each in caught.value.problems} == {
        (43, "metadata.name"),
        (44, "metadata.displayName"),
    }


@pytest.mark.parametrize(
    ("service", "name", "problem"),
    [
        (
            "shop",
            "requests",
            "4: metadata.name: 'requests' is taken: so is the service's dashboard",
        ),
        ("shop", "watchdog", "4: metadata.name: makes the rule group 'slo-shop-watchdog', which"),
        ("platform", "availability", "11: spec.service: 'platform' is taken: its folder holds"),
        ("s" * 51, "availability", "11: spec.service: makes a dashboard's tag of 51 characters"),
    ],
)
def test_a_name_that_is_taken_or_too_long_is_refused(
    root: Path, service: str, name: str, problem: str
) -> None:
    text = VALID.replace("  name: availability", f"  name: {name}", 1)
    file = declare(root, service, text.replace("service: shop", f"service: {service}"))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    assert [str(each).startswith(f"{file}:{problem}") for each in caught.value.problems] == [True]


def test_a_long_name_makes_a_uid_that_grafana_takes(root: Path) -> None:
    def uid(name: str) -> str:
        text = VALID.replace("  name: availability", f"  name: {name}", 1)
        return load_service(declare(root, "shop", text))[0].uid

    assert uid("a" * 31) == f"slo-shop-{'a' * 31}"
    long = [uid("a" * 32), uid("a" * 63), uid("a" * 62 + "b")]
    assert [len(each) for each in long] == [40, 40, 40]
    assert len(set(long)) == 3


@pytest.mark.parametrize("title", ["Availability", "availability ", "AVAILABILITY"])
def test_two_slos_with_one_title_are_refused(root: Path, title: str) -> None:
    """Grafana then provisions no dashboard of the folder any more."""
    other = VALID.replace("  name: availability", "  name: other", 1)
    other = other.replace("displayName: Availability", f'displayName: "{title}"')
    file = declare(root, "shop", f"{VALID}---\n{other}")
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    made = f"makes the dashboard title 'SLO shop: {title}', which {file} makes already"
    assert [str(each) for each in caught.value.problems] == [
        f"{file}:44: metadata.displayName: {made}"
    ]


def test_a_title_of_one_service_may_be_another_services_too(root: Path) -> None:
    declare(root, "bank", VALID.replace("service: shop", "service: bank"))
    assert len(load_services(root)) == 2


def test_a_title_that_is_too_long_is_refused(root: Path) -> None:
    text = VALID.replace("displayName: Availability", f"displayName: {'a' * 300}")
    with pytest.raises(InvalidDeclarationError, match="title of 310 characters; Grafana takes 255"):
        load_service(declare(root, "shop", text))


def test_two_services_whose_alerts_have_one_name_are_refused(root: Path) -> None:
    for service in ("port-1", "port1"):
        declare(root, service, VALID.replace("service: shop", f"service: {service}"))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_services(root)
    told = [f"{each.path}: {each.message}" for each in caught.value.problems]
    first = root / "services/port-1/slo.yaml"
    assert told == [
        f"spec.service: makes the alert 'Port1SloWatchdog', which {first} makes already",
        f"metadata.name: makes the alert 'Port1AvailabilityBurn1h', which {first} makes already",
    ]


@pytest.mark.parametrize(
    ("service", "name", "made"),
    [
        ("shop-till", "availability", "slo-shop-till-availability"),
        ("shop", "till-availability-budget", "slo-shop-till-availability-budget"),
    ],
)
def test_two_slos_that_share_a_name_among_all_are_refused(
    root: Path, service: str, name: str, made: str
) -> None:
    one = VALID.replace("  name: availability", "  name: till-availability", 1)
    two = VALID.replace("  name: availability", f"  name: {name}", 1)
    if service == "shop":
        first = second = declare(root, "shop", f"{one}---\n{two}")
        line = 43
    else:
        first, line = declare(root, "shop", one), 4
        second = declare(root, service, two.replace("service: shop", f"service: {service}"))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_services(root)
    assert str(caught.value.problems[0]) == (
        f"{second}:{line}: metadata.name: makes the rule group {made!r}, "
        f"which {first} makes already"
    )


def test_a_key_that_stands_twice_is_refused(root: Path) -> None:
    with pytest.raises(InvalidDeclarationError, match=r"slo.yaml:3: kind: key stands twice"):
        load_service(declare(root, "shop", VALID.replace("kind: SLO", "kind: SLO\nkind: SLO")))


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: SLO", "? [a, b]\n: c", "2: (document): a key must be a text"),
        ("kind: SLO", "kind: &a [*a]", "2: kind[0]: is an alias of what it stands in"),
        ("kind: SLO", "kind: &a {b: *a}", "2: kind.b: is an alias of what it stands in"),
        ("kind: SLO", "kind: !!int abc", "2: kind: 'abc' is no int of YAML 1.2"),
        ("kind: SLO", "kind: !!float abc", "2: kind: 'abc' is no float of YAML 1.2"),
        ("kind: SLO", "kind: !!bool yes", "2: kind: 'yes' is no bool of YAML 1.2"),
        ("apiVersion", "%YAML 1.1\n---\nat: 1:30\napiVersion", "3: at: '1:30' is no int of"),
        ("kind: SLO", "kind: S\x07", "2: (document): not valid YAML: special characters are not"),
    ],
)
def test_yaml_that_a_declaration_forbids_is_refused_with_its_line(
    root: Path, old: str, new: str, problem: str
) -> None:
    file = declare(root, "shop", VALID.replace(old, new, 1))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    assert str(caught.value.problems[0]).startswith(f"{file}:{problem}")


def test_invalid_utf_8_is_refused_with_its_line(root: Path) -> None:
    file = root / "services/shop/slo.yaml"
    file.write_bytes(VALID.replace("It answers", "Il répond").encode("latin-1"))
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    assert str(caught.value.problems[0]) == (
        f"{file}:10: (document): not UTF-8: invalid continuation byte"
    )


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_a_file_without_an_slo_is_refused(root: Path, text: str) -> None:
    with pytest.raises(InvalidDeclarationError, match="declares no SLO"):
        load_service(declare(root, "shop", text))


def test_invalid_yaml_is_refused_with_its_line(root: Path) -> None:
    with pytest.raises(InvalidDeclarationError, match=r"slo.yaml:3: .*not valid YAML"):
        load_service(declare(root, "shop", "a: 1\nb: [1\n---\n]"))
