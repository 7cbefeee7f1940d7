"""Rules are grouped so that each group is small, and each alert reads the rates of its moment."""

import re
from dataclasses import replace

import pytest
from slo.adoption import load_adoption
from slo.declaration import load_services
from slo.generate import platform_groups, service_groups
from slo.rules import Clock, Group

from tests.platform.slo import reading
from tests.service import ROOT


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    adoption = load_adoption(ROOT)
    services = load_services(ROOT).items()
    of_services = [service_groups(name, slos, adoption, Clock()) for name, slos in services]
    return [*(group for found in of_services for group in found), *platform_groups(adoption)]


def test_no_group_exceeds_mimirs_limit_and_no_page_reads_another_group(
    groups: list[Group],
) -> None:
    assert reading.wrong(groups) == []


def test_the_slowest_ticket_is_the_only_alert_that_reads_another_group(groups: list[Group]) -> None:
    found = {
        (each.rule, each.reads)
        for each in reading.late(groups)
        if not each.group.endswith("-budget")
    }
    assert found == {
        ("PortsAvailabilityBurn3d", "slo:sli_error:ratio_rate6h"),
        ("PortsLatencyBurn3d", "slo:sli_error:ratio_rate6h"),
        ("PortsReachabilityBurn3d", "slo:sli_error:ratio_rate6h"),
    }


def test_a_group_of_all_rules_in_any_order_would_be_noticed(groups: list[Group]) -> None:
    pages, tickets, budget, *_ = groups
    whole = replace(pages, rules=(*pages.rules, *tickets.rules))
    assert reading.wrong([whole, budget]) == ["slo-ports-availability has 26 rules"]
    backwards = replace(pages, rules=pages.rules[::-1])
    assert "before it is recorded" in reading.wrong([backwards, tickets, budget])[0]
    first, rest = replace(pages, rules=pages.rules[:12]), replace(budget, rules=pages.rules[12:])
    assert "the page PortsAvailabilityBurn1h reads" in reading.wrong([first, rest, tickets])[0]


def test_every_alert_links_its_runbook(groups: list[Group]) -> None:
    alerts = [rule for group in groups for rule in group.rules if rule.is_alert]
    assert [rule.name for rule in alerts if "runbook_url" not in rule.annotations] == []
    assert len(alerts) == 3 * 5 + 2 + 33


def test_the_runbook_of_each_alert_of_the_platform_is_a_heading() -> None:
    adoption = load_adoption(ROOT)
    for group in platform_groups(adoption):
        for rule in group.rules:
            url = rule.annotations["runbook_url"].removeprefix(adoption.file_url(""))
            page, _, anchor = url.partition("#")
            headings = re.findall(r"^## (.*)$", (ROOT / page).read_text(), re.MULTILINE)
            assert anchor in {each.lower().replace(" ", "-") for each in headings}, rule.name
