import logging
from pathlib import Path

import pytest
from slo.cli import main

from tests.service import ROOT
from tests.unit.slo.conftest import VALID, declare

EXPLAINED = """\
ports availability: Requests to the ports API are answered without a server error.
  Objective   99.9 % of events are good, over any 30 d.
  Allowed     43 min 12 s of total outage at steady traffic, or 1000 bad events in a million.
  page        PortsAvailabilityBurn1h fires after 2 min 52 s of total outage. \
It needs more than 1.44 % bad events over 1h and over 5m (burn rate 14.4), for 2m.
  page        PortsAvailabilityBurn6h fires after 17 min 10 s of total outage. \
It needs more than 0.6 % bad events over 6h and over 30m (burn rate 6), for 15m.
  ticket      PortsAvailabilityBurn1d fires after 1 h 4 min of total outage. \
It needs more than 0.3 % bad events over 1d and over 2h (burn rate 3), for 1h.
  ticket      PortsAvailabilityBurn3d fires after 3 h 4 min of total outage. \
It needs more than 0.1 % bad events over 3d and over 6h (burn rate 1), for 3h.
  page        PortsAvailabilityMissingData fires 5 min after the last target stops answering \
or the SLI has no data.
  Minimum     no burn alert fires with fewer than 5 bad events in its long window.

"""
NOBODY = "http://127.0.0.1:1"


def slo(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), *arguments])


def test_validate_counts_what_it_read(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slo(root, "validate") == 0
    assert capsys.readouterr().out == "shop: 1 SLO, at most 4542 series per pod (limit 10000)\n"


def test_validate_tells_every_problem_and_fails(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = declare(root, "shop", VALID.replace("0.999", "2").replace("shop", "shed"))
    assert slo(root, "validate") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{file}:11: spec.service: must be the folder's name, 'shop'",
        f"{file}:38: spec.objectives[0].target: must lie between 0 and 1, both excluded",
    ]


def test_validate_tells_the_problems_of_every_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = declare(root, "bank", "a: [")
    shop = declare(root, "shop", VALID.replace("0.999", "2"))
    assert slo(root, "validate") == 1
    first, *others = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{bank}:1: (document): not valid YAML")
    assert others == [
        f"{shop}:38: spec.objectives[0].target: must lie between 0 and 1, both excluded"
    ]


@pytest.mark.parametrize("command", ["validate", "explain"])
def test_a_root_without_declarations_is_an_error(
    tmp_path: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(tmp_path / "none", command) == 1
    assert capsys.readouterr().err == f"no declaration at {tmp_path}/none/services/*/slo.yaml\n"


def test_check_without_an_adoption_file_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(tmp_path, "check") == 1
    assert capsys.readouterr().err == (
        f"{tmp_path}/platform/adopt.yaml:1: (document): cannot be read: No such file or directory\n"
    )


def test_check_fails_until_generate_has_run(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert slo(root, "check") == 1
    told = capsys.readouterr().err
    assert "platform/generated/shop/rules.yaml: out of date (run `make generate`)" in told
    assert slo(root, "generate") == 0
    assert slo(root, "check") == 0


def test_generate_compresses_time_into_a_folder_of_its_own(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert slo(root, "generate", "--scale", "0.05", "--output", str(out)) == 0
    assert [path.relative_to(out) for path in out.rglob("*.yaml")] == [Path("shop/rules.yaml")]


def test_generate_tells_how_often_prometheus_must_scrape_for_compressed_time(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(root, "generate", "--scale", "0.05", "--output", str(tmp_path / "out")) == 0
    assert capsys.readouterr().out == "Prometheus must scrape every 750ms for these rules\n"


@pytest.mark.parametrize("scale", ["0", "-1", "0.00001", "2", "nan", "inf", "x"])
def test_a_scale_that_compresses_nothing_or_to_nothing_is_refused(
    root: Path, tmp_path: Path, scale: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["explain"], ["generate", "--output", str(tmp_path / "out")]):
        with pytest.raises(SystemExit, match="2"):
            slo(root, *command, f"--scale={scale}")
        assert (
            capsys.readouterr()
            .err.splitlines()[-1]
            .endswith(f"argument --scale: {scale}: must be a number between 0.0001 and 1")
        )
    assert not (tmp_path / "out").exists()


def test_the_smallest_scale_still_makes_rules(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert slo(root, "generate", "--scale", "0.0001", "--output", str(out)) == 0
    assert "interval: 2ms" in (out / "shop/rules.yaml").read_text()


def test_generate_leaves_what_else_lies_in_its_output(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "shop").mkdir(parents=True)
    (out / "shop/kept.yaml").write_text("mine")
    assert slo(root, "generate", "--scale", "0.05", "--output", str(out)) == 0
    assert (out / "shop/kept.yaml").read_text() == "mine"


@pytest.mark.parametrize(
    "output", [".", "services/..", "platform/generated", "platform/generated/game-day"]
)
def test_compressed_time_never_touches_what_is_generated_for_production(
    root: Path, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(root, "generate") == 0
    with pytest.raises(SystemExit, match="2"):
        slo(root, "generate", "--scale", "0.5", "--output", str(root / output))
    assert "must not contain platform/generated or be in it" in capsys.readouterr().err
    assert slo(root, "check") == 0


@pytest.mark.parametrize(
    "arguments", [("--scale", "0.5"), ("--output", "x"), ("--scale", "2", "--output", "x")]
)
def test_generate_refuses_half_a_request(root: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        slo(root, "generate", *arguments)


def test_explain_tells_what_is_allowed_and_when_each_alert_fires(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert slo(ROOT, "explain", "--service", "ports") == 0
    # By hand, from the workbook: 0.1 % of 30 days is 43.2 min. 14.4 times 0.1 % of an hour is 51.84
    # s. 6 times 0.1 % of six hours is 129.6 s. 3 times 0.1 % of a day, and 0.1 % of three days, are
    # 259.2 s.
    assert capsys.readouterr().out.startswith(EXPLAINED)


def test_explain_compresses_every_time_it_tells(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(root, "explain", "--scale", "0.01") == 0
    told = capsys.readouterr().out
    for part in (
        "over any 7 h 12 min.",
        "26 s of total outage",
        "over 36s and over 3s",
        "for 1200ms",
    ):
        assert part in told, part
    assert " days" not in told


def test_explain_of_an_unknown_service_says_where_it_looked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(root, "explain", "--service", "shed") == 1
    assert capsys.readouterr().err == f"no declaration at {root}/services/shed/slo.yaml\n"


def test_the_gate_is_shut_when_prometheus_cannot_be_asked(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert slo(root, "gate", "--prometheus", NOBODY, "--environment", "prod") == 1
    assert capsys.readouterr().out.startswith(f"no  prod: cannot ask {NOBODY}")


def test_an_override_is_printed_and_logged(
    root: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    arguments = ("--prometheus", NOBODY, "--environment", "prod", "--override", "security fix")
    assert slo(root, "gate", *arguments) == 0
    assert "overridden: security fix" in capsys.readouterr().out
    assert caplog.record_tuples == [
        (
            "slo.gate",
            logging.WARNING,
            "gate overridden environment=prod reason='security fix'",
        )
    ]


def test_an_override_without_a_reason_is_refused(root: Path) -> None:
    arguments = ("--prometheus", NOBODY, "--environment", "prod", "--override", " ")
    assert slo(root, "gate", *arguments) == 2
