"""Selectors that no series can match are refused, with what was probably meant."""

from pathlib import Path

import pytest
from slo.declaration import load_service
from slo.source import InvalidDeclarationError

from tests.unit.slo.conftest import VALID, declare

STATUS, METHOD, ROUTE = "http_response_status_code", "http_request_method", "http_route"
LABELS = f"labels: {METHOD}, {ROUTE}, {STATUS}"
STATUSES = "(values: 100 to 599)"
ORDERS = (
    VALID.replace("http_server_request_duration_seconds", "shop_orders_total")
    .replace('                  http_response_status_code: {prefix: "5"}\n', "")
    .replace('- http_route: ["/a", "/b"]', "- result: failed", 1)
    .replace('- http_route: ["/a", "/b"]', "- result: [done, failed]", 1)
)


def problems(file: Path) -> list[str]:
    with pytest.raises(InvalidDeclarationError) as caught:
        load_service(file)
    prefix = f"{file.parent.parent}/"
    return [str(each).replace(prefix, "") for each in caught.value.problems]


@pytest.mark.parametrize(
    ("written", "line", "place", "problem"),
    [
        ('"5xx"', 25, STATUS, f"'5xx' is no value of {STATUS}: write {{prefix: \"5\"}} {STATUSES}"),
        ('"5.."', 25, STATUS, f"'5..' is no value of {STATUS}: write {{prefix: \"5\"}} {STATUSES}"),
        ('"5"', 25, STATUS, f"'5' is no value of {STATUS}: write {{prefix: \"5\"}} {STATUSES}"),
        ('"5*"', 25, STATUS, f"'5*' is no value of {STATUS}: write {{prefix: \"5\"}} {STATUSES}"),
        ('"600"', 25, STATUS, f"'600' is no value of {STATUS}: write \"599\" {STATUSES}"),
        (
            '["500", "50[23]"]',
            25,
            f"{STATUS}[1]",
            f'\'50[23]\' is no value of {STATUS}: write ["502", "503"] {STATUSES}',
        ),
        (
            '\n                    - "500"\n                    - 50x',
            27,
            f"{STATUS}[1]",
            f"'50x' is no value of {STATUS}: write {{prefix: \"50\"}} {STATUSES}",
        ),
        (
            '{prefix: "5x"}',
            25,
            STATUS,
            f"no value of {STATUS} begins with '5x': write {{prefix: \"5\"}} {STATUSES}",
        ),
        (
            '{notPrefix: "5xx"}',
            25,
            STATUS,
            (
                f"no value of {STATUS} begins with '5xx', so nothing is left out: "
                f'write {{prefix: "5"}} {STATUSES}'
            ),
        ),
    ],
)
def test_a_status_is_three_digits(
    root: Path, written: str, line: int, place: str, problem: str
) -> None:
    file = declare(root, "shop", VALID.replace('{prefix: "5"}', written, 1))
    where = f"shop/slo.yaml:{line}: spec.indicator.spec.ratioMetric.bad.metricSource.spec"
    assert problems(file) == [f"{where}.select[0].{place}: {problem}"]


DURATION = "http_server_request_duration_seconds"
METHODS = "CONNECT, DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT, TRACE, _OTHER"
ROUTES = "(values: /a, /b, _overload, _unmatched, /live, /metrics, /ready)"
BOTH = '["/a", "/b"]\n  '


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (
            f"{STATUS}:",
            "code:",
            25,
            f"'code' is no label of {DURATION}: write '{STATUS}' ({LABELS})",
        ),
        (
            f'{STATUS}: {{prefix: "5"}}',
            f"{METHOD}: get",
            25,
            f"'get' is no value of {METHOD}: write \"GET\" (values: {METHODS})",
        ),
        (BOTH, '["/a", "/c"]\n  ', 24, f"'/c' is no value of {ROUTE}: write \"/b\" {ROUTES}"),
        (BOTH, '"/b/"\n  ', 24, f"'/b/' is no value of {ROUTE}: write \"/b\" "),
        (BOTH, "_overlaod\n  ", 24, 'write "_overload" '),
        (
            "metric: http_",
            "metric: https_",
            22,
            (
                f"'https{DURATION[4:]}' is declared neither for every service nor in "
                f"shop/*/names.py: write '{DURATION}', or declare it"
            ),
        ),
        (DURATION, "shop_order_total", 22, "write 'shop_orders_total', or declare it"),
        (DURATION, "shop_open", 22, "'shop_open' is a gauge, which counts no events"),
        (
            DURATION,
            "http_server_worker_timeouts_total",
            24,
            "http_server_worker_timeouts_total has no label",
        ),
    ],
)
def test_an_impossible_selector_is_refused_with_the_nearest_valid_value(
    root: Path, old: str, new: str, line: int, problem: str
) -> None:
    assert old in VALID
    file = declare(root, "shop", VALID.replace(old, new, 1))
    told = [each.replace(str(root) + "/", "") for each in problems(file)]
    assert any(f"shop/slo.yaml:{line}: " in each and problem in each for each in told), told


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('["/a", "/b"]', '["/a", "/b", _overload, _unmatched, /live]'),
        ('{prefix: "5"}', '["500", "599"]'),
        ('{prefix: "5"}', '{notPrefix: "1"}'),
        ('{prefix: "5"}', '{prefix: "503"}'),
        ('{prefix: "5"}', '"404"\n                  http_request_method: [GET, _OTHER]'),
    ],
)
def test_a_possible_selector_is_accepted(root: Path, old: str, new: str) -> None:
    (slo,) = load_service(declare(root, "shop", VALID.replace(old, new)))
    assert slo.name == "availability"


def test_a_services_own_metric_is_checked_by_its_own_declaration(root: Path) -> None:
    assert load_service(declare(root, "shop", ORDERS))
    wrong = ORDERS.replace("result: failed", "result: fail", 1)
    (told,) = problems(declare(root, "shop", wrong))
    assert told.endswith("'fail' is no value of result: write \"failed\" (values: done, failed)")
    # The till has no declared values.
    till = ORDERS.replace("- result: failed", "- till: whatever\n                  result: failed")
    assert load_service(declare(root, "shop", till))


def test_routes_are_those_of_the_openapi_document(root: Path) -> None:
    file = declare(root, "shop", VALID)
    (file.parent / "openapi.json").unlink()
    told = problems(file)
    assert len(told) == 2
    assert "cannot read the routes from" in told[0]
    assert told[0].endswith("openapi.json: run `make generate`")
