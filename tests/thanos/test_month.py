"""The sum over an SLO's period, read from the object store at each resolution."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from slo import series
from slo.adoption import load_adoption
from slo.calendar import Calendar
from slo.declaration import load_service
from slo.generate import service_groups
from slo.rules import Clock
from slo.windows import BASE_WINDOW
from telemetry import names

from tests.e2e.backends import eventually
from tests.platform.slo.real import ROOT, prometheus
from tests.support.harness import wait_for
from tests.thanos import flags, month
from tests.thanos.conftest import ask
from tests.thanos.deployment import Deployment, deployed

pytestmark = pytest.mark.timeout(600)

SIX_DIGITS = 1e-6
RESOLUTIONS = {"raw": "0s", "5m": "5m", "1h": "1h"}
# Seconds before the end: where a block of an hour is whole, and at odd moments.
MOMENTS = (0, 1_234, 40_007, 100_003)
SUM = f"sum_over_time({series.total(BASE_WINDOW)}[30d])"
# Both edges of this window are within the history.
PARTS = " / ".join(
    f"sum_over_time({name(BASE_WINDOW)}[20d])" for name in (series.bad, series.total)
)
COUNT = f"count_over_time({series.total(BASE_WINDOW)}[30d])"


@dataclass
class Month:
    """Thirty days in the object store, and what is known about them."""

    deployment: Deployment
    rule: str
    end: int
    truths: dict[str, float]
    told: dict[tuple[str, int], dict[str, float]]
    """By expression and moment: the answer of the Prometheus that has the days on its disk."""

    def ask(self, expr: str, before: int = 0, resolution: str = "") -> dict[str, float]:
        """Ask Query, by environment; without a resolution, as rules and the gate do."""
        given = {"max_source_resolution": RESOLUTIONS[resolution]} if resolution else {}
        answer = ask(self.deployment, expr, time=str(self.end - before), **given)
        assert answer["status"] == "success", answer
        assert "warnings" not in answer
        return {
            each["metric"][names.ENVIRONMENT]: float(each["value"][1])
            for each in answer["data"]["result"]
        }


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    """Let a Prometheus upload the days it has, and ask for them without it."""
    folder = tmp_path_factory.mktemp("month")
    slos = load_service(ROOT / "services/ports/slo.yaml")
    groups = service_groups("ports", slos, load_adoption(ROOT), Clock())
    with deployed(folder) as deployment:
        # As docs/how-to/choose-a-profile.md has it for the time of the move.
        deployment.replica("main", "0", [], retention="35d")
        data = folder / "prometheus-main-0"
        end, truths = month.make(data, groups)
        found = Month(deployment, month.period_rule(groups).expr, end, truths, {})
        with prometheus(data) as alone:
            for expr, before in itertools.product((found.rule, SUM, PARTS, COUNT), MOMENTS):
                found.told[expr, before] = {
                    labels[names.ENVIRONMENT]: value
                    for labels, value in alone.query(expr, end - before)
                }
        # As one moves from one Prometheus: the days on its disk are uploaded, too.
        deployment["sidecar-main-0"].command += ("--shipper.upload-compacted",)
        deployment.start("prometheus-main-0", "sidecar-main-0")
        blocks = len(list((data / "data").glob("*/meta.json")))
        wait_for("all blocks are uploaded", lambda: len(deployment.blocks()) == blocks)
        deployment.kill("sidecar-main-0", "prometheus-main-0")
        deployment.gateway()
        deployment.start("storegateway")
        deployment.query("query", [], ["storegateway"])
        deployment.start("query")
        wait_for("all blocks are read", lambda: found.ask(COUNT) == found.told[COUNT, 0])
        yield found


def test_the_store_gateway_answers_as_the_prometheus_did(held: Month) -> None:
    for (expr, before), told in held.told.items():
        assert told.keys() == month.TRAFFIC.keys()
        assert held.ask(expr, before) == pytest.approx(told, rel=SIX_DIGITS)
    # As `make test-slo` finds of the rules on one Prometheus.
    ratio = held.ask(held.rule)
    assert ratio["constant"] == pytest.approx(held.truths["constant"], rel=SIX_DIGITS)
    assert ratio["bursts"] == pytest.approx(held.truths["bursts"], rel=0.02)


def test_rules_read_raw_samples_whatever_else_there_is(held: Month) -> None:
    """The compactor merges blocks that overlap, and makes those of five minutes and an hour."""
    held.deployment.compact()
    resolutions = {
        block["thanos"]["downsample"]["resolution"] for block in held.deployment.blocks()
    }
    assert resolutions == {0, 300_000, 3_600_000}
    wait_for("the hours are read", lambda: held.ask(COUNT, 0, "1h") != held.told[COUNT, 0])
    for (expr, before), told in held.told.items():
        assert held.ask(expr, before) == pytest.approx(told, rel=SIX_DIGITS)
        assert held.ask(expr, before, "raw") == pytest.approx(told, rel=SIX_DIGITS)


def test_other_resolutions_are_off_at_the_edges_of_the_period(held: Month) -> None:
    """Sums of five minutes or an hour count whole: those that the edge cuts are in or out."""
    worst: dict[str, float] = {}
    print("\nhow far off at its worst        bursts      constant")
    for resolution, expr in itertools.product(("5m", "1h"), (held.rule, SUM, PARTS, COUNT)):
        off = {
            environment: max(
                abs(held.ask(expr, before, resolution)[environment] / told[environment] - 1)
                for (asked, before), told in held.told.items()
                if asked == expr
            )
            for environment in month.TRAFFIC
        }
        print(f"{resolution} {expr.split()[0][:28]:28} {off['bursts']:.1e}  {off['constant']:.1e}")
        if expr == COUNT:
            # A count of samples is one of aggregates.
            assert off["constant"] > 0.9
        else:
            worst[resolution] = max(worst.get(resolution, 0.0), *off.values())
    assert SIX_DIGITS < worst["5m"] < worst["1h"]


def test_a_retention_below_the_period_cuts_its_sums_without_a_word(held: Month) -> None:
    """The sum over what is left is no error, and no warning: raw samples stay for the period."""
    assert days(flags.RETENTION["raw"]) > 2 * Calendar.QUARTER.longest.days, "of a report"
    for _ in range(2):  # one run marks a block, the next one deletes it
        held.deployment.compact("--retention.resolution-raw=10d", "--delete-delay=0s")
    whole = held.told[SUM, 0]

    def cut() -> bool:
        return all(value < 0.5 * whole[each] for each, value in held.ask(SUM).items())

    eventually(cut)
    # Other resolutions still have it, for who asks for them.
    assert held.ask(SUM, 0, "5m") == pytest.approx(whole, rel=0.01)


def days(text: str) -> int:
    """Return the number of a duration in days."""
    assert text.endswith("d")
    return int(text[:-1])
