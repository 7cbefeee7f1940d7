"""Compressed time: what is committed at a scale of 1, and only durations changed at another."""

import re
from pathlib import Path
from typing import Any

import pytest
from slo.adoption import load_adoption
from slo.generate import GENERATED, scaled_rules
from slo.rules import Clock
from stack import compressed, values
from stack.values import ROOT

WRITTEN = {
    "pipeline rules": values.pipeline_rules(),
    "Alertmanager": values.alertmanager(Path("receivers")),
}
DURATION = re.compile(r"\b\d+(ms|s|m|h|d)\b")


def without_durations(content: Any) -> str:
    return DURATION.sub("T", repr(content))


@pytest.mark.parametrize("name", WRITTEN)
def test_at_a_scale_of_1_a_configuration_is_what_is_committed(name: str) -> None:
    assert compressed.configuration(WRITTEN[name], 1) == WRITTEN[name]
    assert compressed.alertmanager(WRITTEN["Alertmanager"], 1) == WRITTEN["Alertmanager"]


@pytest.mark.parametrize("name", WRITTEN)
def test_at_another_scale_only_durations_differ(name: str) -> None:
    other = compressed.configuration(WRITTEN[name], 1 / 30)
    assert other != WRITTEN[name]
    assert without_durations(other) == without_durations(WRITTEN[name])


def test_durations_that_alertmanager_takes_by_default_are_compressed_as_well() -> None:
    config = {"route": {"receiver": "ticket", "group_wait": "10s"}}
    assert compressed.alertmanager(config, 0.1)["route"] == {
        "receiver": "ticket",
        "group_wait": "1s",
        "group_interval": "30s",
        "repeat_interval": "24m",
    }


def test_at_a_scale_of_1_the_generated_rules_are_what_is_committed() -> None:
    scaled = scaled_rules(ROOT, load_adoption(ROOT), Clock(1))
    assert scaled
    for path, text in scaled.items():
        note, _, rules = text.partition("\n")
        assert note.startswith("# Prometheus must scrape every 15s")
        assert rules == (ROOT / GENERATED / path).read_text()


def test_durations_shrink_wherever_a_rule_or_a_route_has_one() -> None:
    rule = {
        "alert": "A",
        "expr": "rate(a[5m]) > 5 and b[1h:1m]",
        "for": "2m",
        "labels": {"x": "5m"},
    }
    assert compressed.configuration({"rules": [rule], "group_wait": "10s"}, 0.05) == {
        "rules": [{**rule, "expr": "rate(a[15s]) > 5 and b[1h:1m]", "for": "6s"}],
        "group_wait": "500ms",
    }


def test_a_compound_duration_is_refused() -> None:
    with pytest.raises(ValueError, match="'1h30m' is no duration of one number and one unit"):
        compressed.configuration({"for": "1h30m"}, 0.5)
