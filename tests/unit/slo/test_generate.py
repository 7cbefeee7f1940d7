import json
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from slo.adoption import load_adoption
from slo.declaration import load_service
from slo.generate import SCHEMA, differences, generate, scaled_rules, service_files, update
from slo.rules import Clock
from slo.source import InvalidDeclarationError, read_documents

from tests.service import ROOT
from tests.support.probes import declared
from tests.unit.slo.conftest import ADOPTION, VALID, declare


def test_committed_files_equal_the_generated_files() -> None:
    assert differences(ROOT, generate(ROOT)) == []


def test_a_new_service_adds_files_and_changes_none(root: Path) -> None:
    before = generate(root)
    declare(root, "bank", VALID.replace("service: shop", "service: bank"))
    after = generate(root)
    assert {path: after[path] for path in before} == before
    assert {str(path) for path in after.keys() - before.keys()} == {
        f"platform/generated/bank/{name}"
        for name in (
            "rules.yaml",
            "rules.test.yaml",
            "analysistemplate.yaml",
            "alerts.txt",
            "graphs.txt",
            "links.yaml",
            "openapi.json",
            "overview-dashboard.txt",
            "prometheusrule.yaml",
            "kustomization.yaml",
            "dashboards/kustomization.yaml",
            "dashboards/availability.json",
            "dashboards/requests.json",
        )
    } | {"docs/slos/bank.md"}


def test_probes_from_outside_alone_judge_no_version(root: Path, tmp_path: Path) -> None:
    slos = load_service(declared(tmp_path / "probed"))
    files = service_files("ports", slos, load_adoption(root))
    assert "kustomization.yaml" in files
    assert "analysistemplate.yaml" not in files


def test_names_and_addresses_come_from_the_adoption_file_alone(root: Path) -> None:
    text = "".join(generate(root).values())
    assert "acme" in text
    (root / "platform/adopt.yaml").write_text(ADOPTION.replace("acme", "zenith"))
    changed = "".join(generate(root).values())
    assert "acme" not in changed
    assert "example" not in changed


def test_a_wrong_adoption_file_is_told_with_its_line(root: Path) -> None:
    (root / "platform/adopt.yaml").write_text(ADOPTION.replace("registry:", "registri:"))
    with pytest.raises(InvalidDeclarationError, match=r"adopt.yaml:3: registri: "):
        load_adoption(root)


def test_time_can_be_compressed_without_changing_the_logic(root: Path) -> None:
    adoption = load_adoption(root)
    (same,) = scaled_rules(root, adoption, Clock(1)).values()
    note = "# Prometheus must scrape every 15s for these rules.\n"
    assert same == note + generate(root)[Path("platform/generated/shop/rules.yaml")]
    (fast,) = scaled_rules(root, adoption, Clock(1 / 60)).values()
    for slow, quick in (
        ("[1h]", "[1m]"),
        ("[5m]", "[5s]"),
        ("[30d]", "[12h]"),
        ("interval: 15s", "interval: 250ms"),
        ("for: 2m", "for: 2s"),
        ("bad over 1h, and still too many over 5m", "bad over 1m, and still too many over 5s"),
        ("must scrape every 15s", "must scrape every 250ms"),
        ("* 3600, 0.001) >= 5", "* 60, 0.001) >= 5"),
    ):
        assert slow in same
        assert quick in fast
        assert slow not in fast
    # Names, thresholds and labels stay: dashboards and Alertmanager see no difference.
    names = [
        [(rule.get("record"), rule.get("alert"), rule.get("labels")) for rule in group["rules"]]
        for text in (same, fast)
        for group in YAML(typ="safe").load(text)["groups"]
    ]
    assert names[: len(names) // 2] == names[len(names) // 2 :]


def test_update_replaces_changed_files_and_removes_leftovers(root: Path) -> None:
    files = generate(root)
    assert update(root, files) == sorted(files)
    assert differences(root, files) == []
    changed = root / "platform/generated/shop/rules.yaml"
    changed.write_text("groups: []\n")
    leftover = root / "platform/generated/gone/rules.yaml"
    leftover.parent.mkdir()
    leftover.touch()
    assert update(root, files) == [
        leftover.relative_to(root),
        changed.relative_to(root),
    ]
    assert differences(root, files) == []


def test_the_schema_accepts_the_declarations_and_refuses_unknown_fields() -> None:
    schema = json.loads((ROOT / SCHEMA).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for document in read_documents(ROOT / "services/ports/slo.yaml"):
        data = json.loads(json.dumps(document.data, default=float))
        validator.validate(data)
        data["spec"]["objetives"] = []
        assert not validator.is_valid(data)


def test_the_promises_of_ports_are_those_agreed() -> None:
    found = [
        (slo.name, slo.objective, slo.period.days, slo.good.le if slo.good else None)
        for slo in load_service(ROOT / "services/ports/slo.yaml")
    ]
    assert found == [
        ("availability", Decimal("0.999"), 30, None),
        ("latency", Decimal("0.99"), 30, "0.1"),
        ("reachability", Decimal("0.995"), 30, None),
    ]
