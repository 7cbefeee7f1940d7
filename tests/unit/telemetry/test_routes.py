import pytest
from telemetry import metrics
from telemetry.django import routes


@pytest.fixture(autouse=True)
def _nothing_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_declared", {})
    monkeypatch.setattr(routes, "_templates", {})


@pytest.mark.parametrize(
    ("django", "template"),
    [
        ("", "/"),
        ("ports", "/ports"),
        ("ports/<id>", "/ports/{id}"),
        ("ports/<str:id>/berths/<int:berth>", "/ports/{id}/berths/{berth}"),
        ("/ports/{id}", "/ports/{id}"),
        ("/ports/{str:id}", "/ports/{id}"),
    ],
)
def test_every_spelling_becomes_one_form(django: str, template: str) -> None:
    assert routes.template(django) == template


def test_the_declared_spelling_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert routes.template("ports/<unlocode>") == "/ports/{unlocode}"
    monkeypatch.setattr(metrics, "duration_of", lambda *_: None)
    monkeypatch.setattr(metrics, "histogram", lambda *_: None)
    monkeypatch.setattr(metrics, "begin", lambda: None)
    routes.declare_routes([("GET", "/ports/{id}")])
    assert routes.template("ports/<unlocode>") == "/ports/{id}"
    assert routes.template("ports/<unlocode>/berths") == "/ports/{unlocode}/berths"


def test_the_series_of_slos_exist_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, str, int]] = []
    monkeypatch.setattr(metrics, "duration_of", lambda *labels: made.append(labels))
    monkeypatch.setattr(metrics, "histogram", lambda *_: None)
    monkeypatch.setattr(metrics, "begin", lambda: None)
    routes.declare_routes([("GET", "/a"), ("PUT", "/a")])
    pairs = [("GET", "/a"), ("GET", "_overload"), ("PUT", "/a"), ("PUT", "_overload")]
    assert made == [
        (method, route, status)
        for method, route in [*pairs, ("_OTHER", "_unmatched")]
        for status in (200, 500, 503)
    ]
