"""A replica's URL that leads to no replica, and one behind which nobody listens."""

from pathlib import Path

import httpx
import pytest

from tests import postgres, service


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_replica_each_read_comes_from_the_primary(
    tmp_path: Path, postgres_server: str, is_there: bool
) -> None:
    data_set = postgres.ports(postgres_server)
    url = postgres.new_database(postgres_server, "ports_no_replica", data_set)
    other = url if is_there else f"postgresql://u@127.0.0.1:{service.free_port()}/d"
    settings = {"PORTS_STORE_URL": url, "PORTS_REPLICA_URL": other, "PORTS_CACHE_SECONDS": "0"}
    with service.running(tmp_path, **settings) as running:
        for path in ("/ports/AEAJM", "/ports?limit=1", "/ready"):
            assert running.client.get(path).status_code == httpx.codes.OK
        metrics = running.client.get("/metrics").text
    assert 'db_replica_fallbacks_total{error_type="not_fresh"}' in metrics
