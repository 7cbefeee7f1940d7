"""No client makes a pod expose more series than the contract of its service allows."""

import random
import string
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from slo.cardinality import most_series
from slo.contract import Contract
from telemetry import names

from tests import service
from tests.service import ROOT, SERVICES, Service
from tests.support import fuzz, raw
from tests.support.cardinality import beyond, counted, unknown
from tests.support.thorough import scaled

CLIENTS = 4
REQUESTS = scaled(8_000)
SEED = 29
METHODS = (*sorted(names.METHODS), "BREW", "PROPFIND")
HEADERS = ("User-Agent", "X-Forwarded-For", "Accept", "traceparent", "If-None-Match", "Origin")


def word(draw: random.Random, longest: int = 40) -> str:
    return "".join(draw.choices(string.ascii_letters + string.digits, k=draw.randint(1, longest)))


def requests(draw: random.Random, routes: list[str]) -> Iterator[bytes]:
    """Yield requests in which everything is random that could become a label's value."""
    while True:
        yield fuzz.request(draw, word(draw))
        route = draw.choice([*routes, f"/{word(draw)}", f"/{word(draw)}/{word(draw)}"])
        path = "/".join(word(draw) if part.startswith("{") else part for part in route.split("/"))
        method = draw.choice((*METHODS, word(draw, 12).upper()))
        lines = [
            f"{method} {path}?{word(draw)}={word(draw)} HTTP/1.1",
            f"Host: {word(draw)}.{word(draw)}:{draw.randrange(65536)}",
            f"X-Request-ID: {word(draw)}",
            f"{draw.choice(HEADERS)}: {word(draw)}",
            "Connection: close",
        ]
        yield ("\r\n".join(lines) + "\r\n\r\n").encode()


def attack(running: Service, routes: list[str]) -> None:
    port = httpx.URL(running.url).port or 0

    def client(number: int) -> None:
        sent = requests(random.Random(SEED + number), routes)  # noqa: S311 - repeatable
        for _ in range(REQUESTS // CLIENTS):
            raw.exchange(port, next(sent), half_close=True)

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(client, range(CLIENTS)))


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("name", SERVICES)
def test_hostile_requests_stay_within_the_contract(
    name: str, workers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = Contract(ROOT / "services" / name)
    most = most_series(contract)
    with service.running(tmp_path, name=name, WEB_CONCURRENCY=workers) as running:
        routes = [*running.client.get("/openapi.json").json()["paths"], "/docs", "/metrics"]
        before = counted(running.client.get("/metrics").text, contract)
        attack(running, routes)
        text = running.client.get("/metrics").text
    after = counted(text, contract)
    with capsys.disabled():
        print(
            f"\n{name}, {workers} workers, {REQUESTS} requests: {before.total()} series, then "
            f"{after.total()}; at most {sum(most.values())}"
        )
    assert unknown(text, contract) == set()
    assert beyond(text, contract) == {}
    # The attack reached what it can reach: every method, and requests without a route.
    assert after[names.HTTP_SERVER_ACTIVE] == most[names.HTTP_SERVER_ACTIVE]
    assert after.total() > 2 * before.total()


def test_an_unbounded_label_would_be_noticed() -> None:
    contract = Contract(ROOT / "services/ports")
    name = names.HTTP_SERVER_DURATION
    most = most_series(contract)[name]
    lines = [f'{name}_count{{http_route="/{number}"}} 1\n' for number in range(most + 1)]
    one, many = (f"# TYPE {name} histogram\n{''.join(lines[:end])}" for end in (1, None))
    assert unknown(one, contract) == {("http_route", "/0")}
    assert beyond(one, contract) == {}
    assert beyond(many, contract) == {name: (most + 1, most)}
    assert counted(many, contract) == Counter({name: most + 1})
