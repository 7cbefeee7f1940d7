from pathlib import Path

import pytest
from slo.cardinality import most_labels, most_series
from slo.contract import Contract, UnknownRoutesError

from tests.service import ROOT, SERVICES
from tests.unit.slo import contract

DURATION = "http_server_request_duration_seconds"
SERIES = 17


def made(home: Path, routes: tuple[str, ...] = contract.ROUTES) -> Contract:
    contract.write(home, routes)
    return Contract(home)


def test_each_route_adds_its_statuses_and_one_for_each_method_that_it_does_not_take(
    tmp_path: Path,
) -> None:
    one, two = (most_series(made(tmp_path, routes))[DURATION] for routes in (("/a",), ("/a", "/b")))
    # GET, HEAD and four writing methods with the three initial statuses, four others with 405.
    assert two - one == (6 * 3 + 4) * SERIES


def test_a_documented_status_counts_for_get_and_for_head(tmp_path: Path) -> None:
    home = tmp_path
    (home / "openapi.json").write_text('{"paths": {"/a": {"get": {"responses": {"200": {}}}}}}')
    before = most_series(Contract(home))[DURATION]
    more = '{"paths": {"/a": {"get": {"responses": {"200": {}, "404": {}}}}}}'
    (home / "openapi.json").write_text(more)
    # A write that only a database allows may have as many.
    assert most_series(Contract(home))[DURATION] - before == (2 + 4) * SERIES


def test_a_metric_counts_with_its_declared_values_or_with_its_own_bound(tmp_path: Path) -> None:
    found = most_series(made(tmp_path))
    assert found["shop_refunds_total"] == 2
    assert found["shop_open"] == 1
    # A label of any value: `most` of the metric.
    assert found["shop_orders_total"] == 20
    assert found["service_build_info"] == 1
    assert found["http_client_request_duration_seconds"] == 20 * SERIES


def test_the_widest_series_is_a_bucket_of_calls(tmp_path: Path) -> None:
    assert most_labels(made(tmp_path)) == 5 + len(("__name__", "le"))


def test_without_the_openapi_document_there_is_no_bound(tmp_path: Path) -> None:
    with pytest.raises(UnknownRoutesError, match="run `make generate`"):
        most_series(Contract(tmp_path))


@pytest.mark.parametrize("name", SERVICES)
def test_the_bound_of_a_service_is_above_what_it_has_from_the_start(name: str) -> None:
    of_service = Contract(ROOT / "services" / name)
    counted = most_series(of_service)
    for metric in of_service.metrics.values():
        family = of_service.family(metric)
        series = SERIES if metric.name == DURATION else 1
        assert len(family.initial) * series <= counted[metric.name]
