"""Every dashboard, held to the rules of grafana/dashboard-linter.

The linter itself is written in Go and is not run here: these tests stand in for it, one for each
of its rules, under the rule's name. Not followed: `template-job-rule`, `template-instance-rule`,
`target-job-rule` and `target-instance-rule`, since targets are told apart by service_name and
deployment_environment_name here (docs/slo.md says so too). The rules on LogQL have nothing to
look at.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service import ROOT

FILES = sorted((ROOT / "platform/generated").rglob("dashboards/*.json"))
Json = dict[str, Any]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def board(request: pytest.FixtureRequest) -> Json:
    file: Path = request.param
    loaded: Json = json.loads(file.read_text())
    return loaded


def panels(board: Json) -> list[Json]:
    """Panels that show something; a row is a heading."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def targets(board: Json) -> Iterator[tuple[Json, Json]]:
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel, target


def test_there_is_an_overview_a_page_for_each_slo_and_one_of_requests() -> None:
    slos = ["availability", "latency", "reachability"]
    assert [path.stem for path in FILES] == ["overview", *slos, "requests"]
    uids = [json.loads(path.read_text())["uid"] for path in FILES]
    assert uids == ["slo-overview", *(f"slo-ports-{slo}" for slo in slos), "red-ports"]


def test_nothing_is_wrong_is_not_painted_red(board: Json) -> None:
    """Grafana gives a missing value the color of the first step."""
    looks = {
        panel["title"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for panel in panels(board)
        if panel["type"] == "stat"
    } | {
        override["matcher"]["options"]: prop["value"]["steps"]
        for panel in panels(board)
        for override in panel["fieldConfig"].get("overrides") or []
        for prop in override["properties"]
        if prop["id"] == "thresholds"
    }
    for name in {"Exhausted in", "Alerts firing", "Burn rate", "Burn rate now"} & looks.keys():
        first, *others = looks[name]
        assert first["color"] in {"green", "transparent"}, name
        assert "red" in {step["color"] for step in others}, name


def test_template_datasource_rule(board: Json) -> None:
    first = board["templating"]["list"][0]
    assert (first["name"], first["label"], first["type"], first["query"]) == (
        "datasource",
        "Data source",
        "datasource",
        "prometheus",
    )


def test_template_on_time_change_reload_rule(board: Json) -> None:
    queries = [each for each in board["templating"]["list"] if each["type"] == "query"]
    assert queries
    assert all(each["refresh"] == 2 for each in queries)


def test_variables_are_datasource_environment_service_and_cluster(board: Json) -> None:
    expected = {"datasource", "environment", "service"}
    if board["uid"] != "slo-overview":
        expected.add("cluster")
    assert {each["name"] for each in board["templating"]["list"]} == expected


def test_all_clusters_are_shown_unless_one_is_chosen_and_a_cluster_needs_no_label(
    board: Json,
) -> None:
    for variable in board["templating"]["list"]:
        if variable["name"] == "cluster":
            assert (variable["multi"], variable["includeAll"]) == (True, True)
            assert variable["allValue"] == ".*"


def test_pods_are_of_the_chosen_clusters_and_slos_of_all(board: Json) -> None:
    about_pods = "http_server_requests_waiting", "http_server_threads", "process_"
    for panel, target in targets(board):
        of_pods = board["uid"] == "red-ports" or target["expr"].startswith(about_pods)
        is_slo = "slo:" in target["expr"] or "ALERTS{" in target["expr"]
        selectors = re.findall(r"\{([^{}]*)\}", target["expr"])
        assert not (of_pods and is_slo), panel["title"]
        for selector in selectors:
            assert ('cluster=~"$cluster"' in selector) or not of_pods, (panel["title"], selector)
            assert ("$cluster" not in selector) or not is_slo, (panel["title"], selector)


def test_panel_datasource_rule(board: Json) -> None:
    for panel, target in targets(board):
        assert panel["datasource"]["uid"] == "$datasource"
        assert target["datasource"]["uid"] == "$datasource"


def test_panel_title_description_rule(board: Json) -> None:
    for panel in panels(board):
        assert panel["title"]
        assert len(panel["description"]) > 20, panel["title"]


def test_panel_units_rule(board: Json) -> None:
    for panel in panels(board):
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_panel_no_targets_rule(board: Json) -> None:
    assert all(panel["targets"] for panel in panels(board))


def test_target_rate_interval_rule(board: Json) -> None:
    for panel, target in targets(board):
        for function, window in re.findall(r"(\w+)\([^()]*\[([^\]]+)\]", target["expr"]):
            allowed = {"$__rate_interval"} | ({"$__range"} if target.get("instant") else set())
            assert window in allowed, (panel["title"], function, window)


def test_target_counter_agg_rule(board: Json) -> None:
    for panel, target in targets(board):
        counters = re.findall(r"\w+(?:_total|_count|_bucket|_sum)\{", target["expr"])
        rates = re.findall(r"(?:rate|increase)\(", target["expr"])
        assert len(rates) >= len(counters), (panel["title"], target["expr"])


def test_uneditable_dashboard_rule(board: Json) -> None:
    assert board["editable"] is False


def test_absence_is_never_turned_into_a_number(board: Json) -> None:
    assert all("vector(" not in target["expr"] for _, target in targets(board))


def test_every_query_keeps_to_the_chosen_service_and_environment(board: Json) -> None:
    for panel, target in targets(board):
        for selector in re.findall(r"\{([^{}]*(?:\{[^{}]*\}[^{}]*)*)\}", target["expr"]):
            assert "$service" in selector, (panel["title"], selector)


def test_panels_do_not_overlap_and_have_ids_of_their_own(board: Json) -> None:
    cells = [
        (x, y)
        for panel in board["panels"]
        for position in [panel["gridPos"]]
        for x in range(position.get("x", 0), position.get("x", 0) + position["w"])
        for y in range(position.get("y", 0), position.get("y", 0) + position["h"])
    ]
    assert len(cells) == len(set(cells))
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))


def test_details_link_to_runbook_traces_logs_requests_and_catalog() -> None:
    board = json.loads((ROOT / "platform/generated/ports/dashboards/latency.json").read_text())
    assert [(each["title"], each["url"]) for each in board["links"]] == [
        (
            "Runbook",
            "https://github.com/example/ports-platform/blob/main/services/ports/runbooks/latency.md",
        ),
        ("Traces", "https://jaeger.example.com/search?service=ports"),
        (
            "Logs",
            (
                "https://grafana.example.com/explore?schemaVersion=1&panes=%7B%22logs%22%3A%7B"
                "%22datasource%22%3A%22loki%22%2C%22queries%22%3A%5B%7B%22refId%22%3A%22A%22%2C"
                "%22expr%22%3A%22%7Bservice_name%3D%5C%22ports%5C%22%2C%20"
                "deployment_environment_name%3D%5C%22$environment%5C%22%7D%22%2C%22datasource%22%3A"
                "%7B%22type%22%3A%22loki%22%2C%22uid%22%3A%22loki%22%7D%7D%5D%2C%22range%22%3A%7B"
                "%22from%22%3A%22now-1h%22%2C%22to%22%3A%22now%22%7D%7D%7D"
            ),
        ),
        ("Requests", "https://grafana.example.com/d/red-ports?var-environment=$environment"),
        ("Catalog", "https://backstage.example.com/catalog/default/component/ports"),
    ]


def test_panels_stand_in_rows_with_headings(board: Json) -> None:
    first, *_ = board["panels"]
    assert first["type"] == "row"
    headings = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert len(headings) == len(set(headings)) >= 2
    assert not [panel for panel in board["panels"] if panel.get("collapsed")]


def is_red_somewhere(panel: Json) -> bool:
    look = panel["fieldConfig"]
    properties = [each for one in look.get("overrides") or [] for each in one["properties"]]
    steps = [
        *look["defaults"].get("thresholds", {}).get("steps", ()),
        *(s for each in properties if each["id"] == "thresholds" for s in each["value"]["steps"]),
    ]
    return "red" in {step["color"] for step in steps}


def test_a_panel_that_can_be_red_explains_red(board: Json) -> None:
    red = [panel for panel in panels(board) if is_red_somewhere(panel)]
    silent = [p["title"] for p in red if not re.search(r"[Rr]ed( line)?\b", p["description"])]
    assert silent == []


def test_a_budget_without_time_left_is_called_spent(board: Json) -> None:
    spent = {"options": {"0": {"color": "red", "text": "spent"}}, "type": "value"}
    looks = {
        panel["title"]: panel["fieldConfig"]["defaults"].get("mappings") for panel in panels(board)
    } | {
        override["matcher"]["options"]: prop["value"]
        for panel in panels(board)
        for override in panel["fieldConfig"].get("overrides") or []
        for prop in override["properties"]
        if prop["id"] == "mappings"
    }
    assert looks.get("Exhausted in", [spent]) == [spent]
    assert "0 s" not in json.dumps(board)
