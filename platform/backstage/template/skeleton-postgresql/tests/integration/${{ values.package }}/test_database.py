"""The service while its database has no tables, is well, and is away."""

from pathlib import Path

from tests import postgres, service

NAME = "${{ values.name }}"
PATH = f"/{NAME}"


def test_a_database_that_goes_away_makes_the_service_degraded_and_not_unready(
    tmp_path: Path,
) -> None:
    with postgres.cluster() as server:
        settings = {"${{ values.prefix }}_STORE_URL": server.url}
        with service.running(tmp_path, name=NAME, until="/live", **settings) as running:
            missing = running.client.get("/ready")
            assert missing.status_code == 503
            assert "run manage.py migrate" in missing.json()["detail"]

            assert service.manage("migrate", "-v0", name=NAME, settings=settings).returncode == 0
            assert running.client.get("/ready").json()["status"] == "ready"

            server.stop("immediate")
            away = running.client.get("/ready")
            assert (away.status_code, away.json()["status"]) == (200, "degraded")
            refused = running.client.get(PATH)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert refused.json()["detail"] == "the database does not answer"
