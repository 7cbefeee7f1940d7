"""Every text that the chart's schema takes is a text for a real API server too."""

import copy
import json
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
from ruamel.yaml import YAML
from stack import kubernetes
from stack.cluster import Cluster
from stack.components import Site
from stack.errors import StackError
from stack.kubernetes import module
from stack.stack import READY_SECONDS

from tests.platform.chart import render, schemas
from tests.platform.chart.render import RefusedError
from tests.service import ROOT

# Texts that YAML reads as a boolean, a number or null without quotes.
ODD: Final = ("no", "on", "1234", "1e3", "~")
PEERS: Final = [
    {"podSelector": {"matchLabels": {"app": "shop"}}},
    {"namespaceSelector": {"matchLabels": {"team": "shop"}}},
    {"ipBlock": {"cidr": "192.0.2.0/24", "except": ["192.0.2.1/32"]}},
]
Place = tuple[str | int, ...]
TAG: Final = ("image", "tag")
REPLICA: Final = ("postgresql", "replicaKey")
# Each excludes another option: with_text leaves that one out.
ALONE: Final[tuple[Place, ...]] = (TAG, REPLICA)


class Api(Cluster):
    """An API server and its store. Nothing acts on what is applied."""

    def _start(self) -> None:
        no_accounts = "--disable-admission-plugins=ServiceAccount"  # nobody makes a namespace's
        for process in (kubernetes.etcd(self.site), kubernetes.apiserver(self.site, no_accounts)):
            self._run(process)
            process.wait_ready(READY_SECONDS)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with Api(Site(tmp_path_factory.mktemp("api"))) as running:
        files = list(custom_kinds())
        flags = [f"--filename={file}" for file in files]
        running.kubectl("apply", "--server-side", *flags)
        names = [YAML(typ="safe").load(file)["metadata"]["name"] for file in files]
        established = "--for=condition=established"
        running.kubectl("wait", established, *[f"crd/{name}" for name in names])
        yield running


def custom_kinds() -> Iterator[Path]:
    for pinned, files in schemas.CUSTOM.items():
        for file in files:
            yield module(*pinned) / file


def merged(low: Any, high: Any) -> Any:
    """Values over values, as helm merges them."""
    if not (isinstance(low, dict) and isinstance(high, dict)):
        return high
    return {**low, **{key: merged(low.get(key), value) for key, value in high.items()}}


def everything() -> dict[str, Any]:
    """The chart's own values with every option on, and something in every list."""
    cases = render.HERE / "cases"
    files = (ROOT / render.CHART / "values.yaml", render.BASE, cases / "everything.yaml")
    rules = [{"to": PEERS, "ports": [{"port": 53}]}]
    # Small requests: a limit below them is refused for another reason.
    small = {"requests": {"cpu": "1m", "memory": "1"}, "limits": {"memory": "1Ti"}}
    more = {
        "addresses": {"prod": "https://{service}.example.com"},
        "profile": "scaled",
        "cluster": "main",
        "networkPolicy": {"callers": PEERS, "dns": rules, "egress": rules},
        "postgresql": {"peers": PEERS},
        "cache": {"peers": PEERS},
        "podDisruptionBudget": {"maxUnavailable": "50%"},
        "resources": small,
        "prober": {"enabled": True, "probes": {"/a": "/a?limit=1"}, "resources": small},
    }
    whole: dict[str, Any] = reduce(merged, [*map(YAML(typ="safe").load, files), more])
    return whole


def places(values: Any, above: Place = ()) -> Iterator[Place]:
    """Where values have a text."""
    if isinstance(values, dict | list):
        for key, value in values.items() if isinstance(values, dict) else enumerate(values):
            yield from places(value, (*above, key))
    elif isinstance(values, str):
        yield above


def with_text(text: str, *changed: Place) -> dict[str, Any]:
    """Every option, and this text at some places."""
    values = copy.deepcopy(EVERYTHING)
    for place in changed:
        if place == TAG:
            values["image"]["digest"], values["environment"] = "", "local"
        if place == REPLICA:
            values["cache"]["enabled"] = False
        *above, last = place
        inner: Any = values
        for key in above:
            inner = inner[key]
        inner[last] = text
    return values


def schema() -> Any:
    return json.loads((ROOT / render.CHART / "values.schema.json").read_text())


def taken(text: str) -> list[Place]:
    """Where the schema takes a text."""
    validator = jsonschema.Draft202012Validator(schema())
    return [each for each in PLACES if validator.is_valid(with_text(text, each))]


def rendered(values: dict[str, Any], folder: Path) -> str:
    """The manifests that the chart renders of values.

    Raises:
        RefusedError: Its schema or its checks refuse them.
    """
    file = folder / "values.yaml"
    file.write_text(json.dumps(values))
    return render.template("--values", str(file), release=values["name"])


def answer(api: Api, manifests: str) -> str:
    """The API server's answer to manifests: `accepted`, or its words."""
    try:
        api.kubectl("apply", "--server-side", "--dry-run=server", "--filename=-", stdin=manifests)
    except StackError as error:
        return str(error)
    return "accepted"


EVERYTHING: Final = everything()
PLACES: Final = list(places(EVERYTHING))


@pytest.mark.parametrize("text", ODD)
def test_the_api_server_accepts_odd_texts_that_the_schema_accepts(
    text: str, api: Api, tmp_path: Path
) -> None:
    found = taken(text)
    # A tag is for an image without a digest, a replica is for reads without a cache.
    together = [each for each in found if each not in ALONE]
    for group in (together, *([each] for each in found if each in ALONE)):
        if group:
            said = answer(api, rendered(with_text(text, *group), tmp_path))
            print(f"  {text}: {said} as {', '.join('.'.join(map(str, each)) for each in group)}")
            assert said == "accepted"
    refused = [each for each in PLACES if each not in found]
    print(f"  {text}: the schema refuses it at {len(refused)} of {len(PLACES)} places")
    for each in refused[:1]:
        with pytest.raises(RefusedError):
            rendered(with_text(text, each), tmp_path)


def test_odd_texts_are_taken_where_nothing_forbids_them() -> None:
    """Otherwise the test above would ask nothing."""
    key = ("secretEnv", "HARBOUR_WRITE_TOKEN", "key")
    assert {("environment",), ("name",), ("organisation",), TAG, key} <= set(taken("no"))
    assert {("organisation",), ("resources", "limits", "memory"), TAG, key} <= set(taken("1e3"))
    assert ("env", "LOG_LEVEL") in taken("~")


def test_a_text_that_is_not_quoted_would_be_noticed(api: Api, tmp_path: Path) -> None:
    manifests = rendered(with_text("no", ("environment",)), tmp_path)
    assert ': "no"\n' in manifests
    said = answer(api, manifests.replace(': "no"\n', ": no\n"))
    print(f"  no, not quoted: {said}")
    assert "expected string" in said


def test_the_api_server_accepts_settings_with_odd_names(api: Api, tmp_path: Path) -> None:
    values = copy.deepcopy(EVERYTHING)
    values["env"].update({"NO": "a", "ON": "b", "Y": "c"})
    values["secretEnv"]["N"] = copy.copy(values["secretEnv"]["HARBOUR_WRITE_TOKEN"])
    assert answer(api, rendered(values, tmp_path)) == "accepted"


def test_every_text_field_of_the_schema_is_tried() -> None:
    def is_tried(wanted: tuple[str, ...]) -> bool:
        alike = [each for each in PLACES if len(each) == len(wanted)]
        return any(all(a in ("*", b) for a, b in zip(wanted, each, strict=True)) for each in alike)

    assert [each for each in described(schema(), schema()) if not is_tried(each)] == []


def described(schema: Any, whole: Any) -> Iterator[tuple[str, ...]]:
    """Where a schema has a text; `*` stands for any key and any place in a list."""
    if reference := schema.get("$ref"):
        yield from described(whole["$defs"][reference.rsplit("/", 1)[1]], whole)
    if schema.get("type") == "string":
        yield ()
    for key, inner in schema.get("properties", {}).items():
        yield from ((key, *rest) for rest in described(inner, whole))
    for inner in (schema.get("additionalProperties"), schema.get("items")):
        if isinstance(inner, dict):
            yield from (("*", *rest) for rest in described(inner, whole))
    for inner in schema.get("anyOf", ()):
        yield from described(inner, whole)
