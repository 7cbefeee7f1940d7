"""Generated files fit Grafana, Prometheus and Kubernetes; each dashboard is delivered once."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from slo.generate import generate
from slo.source import InvalidDeclarationError

from tests.service import ROOT
from tests.support.template import SKELETON, rendered
from tests.unit.slo.conftest import VALID, declare

TEMPLATE = ROOT / "platform/backstage/template"
GENERATED = Path("platform/generated")
# The shortest and the longest names that the template's form takes.
NAMES = ("a", "a" * 30, "a" + "-b" * 14 + "c", "a1-2-3")


def form_takes(name: str) -> bool:
    parameters = YAML(typ="safe").load(TEMPLATE / "template.yaml")["spec"]["parameters"]
    field = parameters[0]["properties"]["name"]
    return bool(re.fullmatch(field["pattern"], name)) and len(name) <= field["maxLength"]


def test_the_form_takes_no_longer_name() -> None:
    assert all(form_takes(name) for name in NAMES)
    assert not form_takes("a" * 31)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_the_templates_form_takes_compiles(root: Path, name: str) -> None:
    (declaration,) = SKELETON.glob("services/*/slo.yaml")
    text = rendered(declaration.read_text(), name=name, objective="99.5")
    declare(root, name, text, [f"/{name}", f"/{name}/{{id}}"])
    files = generate(root)
    boards = [json.loads(text) for path, text in files.items() if path.suffix == ".json"]
    uids = [board["uid"] for board in boards if "uid" in board]
    assert len(uids) == len(set(uids)) == 5
    assert max(map(len, uids)) <= 40
    links = files[GENERATED / name / "rules.yaml"] + files[GENERATED / name / "links.yaml"]
    assert set(re.findall(r"/d/([\w-]+)", links)) <= set(uids), "each link leads to a dashboard"


def test_each_dashboard_is_delivered_once_and_none_by_an_environment(root: Path) -> None:
    declare(root, "bank", VALID.replace("service: shop", "service: bank"))
    files = generate(root)
    delivered = []
    for path, text in files.items():
        if path.name != "kustomization.yaml":
            continue
        found = YAML(typ="safe").load(text)
        if path.parent.name != "dashboards":
            assert "configMapGenerator" not in found, f"{path}: every environment brings this"
            continue
        folder = found["generatorOptions"]["annotations"]["grafana_folder"]
        for each in found["configMapGenerator"]:
            (name,) = each["files"]
            delivered.append((folder, path.parent / name))
    boards = {path for path in files if path.match("dashboards/*.json")}
    assert Counter(path for _, path in delivered) == Counter(boards)
    keys = Counter((folder, path.name) for folder, path in delivered)
    assert set(keys.values()) == {1}, "the sidecar writes one file for a folder and a key"
    titles = Counter((folder, json.loads(files[path])["title"]) for folder, path in delivered)
    assert set(titles.values()) == {1}


def test_an_annotation_too_long_for_receivers_is_refused(root: Path) -> None:
    page = "/".join(["runbooks", *["d" * 200] * 5, "availability.md"])
    file = declare(root, "shop", VALID.replace("runbooks/availability.md", page))
    (file.parent / page).parent.mkdir(parents=True)
    (file.parent / page).touch()
    with pytest.raises(InvalidDeclarationError) as caught:
        generate(root)
    told = [str(problem) for problem in caught.value.problems]
    assert told[0].startswith(f"{file}:1: (document): ShopAvailabilityBurn1h: its annotation ")
    assert "runbook_url has" in told[0]
    assert "receivers take 1024 at most" in told[0]


def test_an_object_that_kubectl_cannot_apply_is_refused(root: Path) -> None:
    routes = [f"/a/{number:060}" for number in range(600)]
    file = declare(root, "shop", VALID.replace('["/a", "/b"]', json.dumps(routes)), routes)
    with pytest.raises(InvalidDeclarationError) as caught:
        generate(root)
    told, *_ = map(str, caught.value.problems)
    assert told.startswith(f"{file}:1: (document): prometheusrule.yaml has ")
    assert told.endswith(" bytes; Kubernetes takes 262144 at most")
