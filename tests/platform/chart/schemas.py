"""JSON schemas for kubeconform, from the Go modules that the repository pins.

Kubernetes' own kinds come from the OpenAPI document in the module `k8s.io/kubernetes`, others from
the CustomResourceDefinitions in the modules that `CUSTOM` names. Each object that lists its
properties allows no other: a misspelt key is an error, which the API server would ignore.
"""

import json
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[3]
# Files of CustomResourceDefinitions by the folder of `tools/` and the module that it pins.
CUSTOM = {
    ("argo-rollouts", "github.com/argoproj/argo-rollouts"): (
        "manifests/crds/rollout-crd.yaml",
        "manifests/crds/analysis-template-crd.yaml",
    ),
    ("kyverno", "github.com/kyverno/kyverno"): (
        "config/crds/policies.kyverno.io/policies.kyverno.io_imagevalidatingpolicies.yaml",
    ),
    ("crds", "github.com/prometheus-operator/prometheus-operator"): (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    ("crds", "sigs.k8s.io/gateway-api"): (
        "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
    ),
}

Schema = dict[str, Any]


def write(folder: Path) -> str:
    """Write a schema for each kind and return kubeconform's pattern for their files."""
    for identity, schema in (*_kubernetes(), *_custom()):
        _write(folder, identity, schema)
    return f"{folder}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"


def add(folder: Path, crds: Iterable[Schema]) -> None:
    """Write the schemas of CustomResourceDefinitions beside the others, or in their place."""
    for crd in crds:
        for identity, schema in _versions(crd["spec"]):
            _write(folder, identity, schema)


def _write(folder: Path, identity: tuple[str, str, str], schema: Schema) -> None:
    group, version, kind = identity
    suffix = f"-{group.split('.')[0]}-{version}" if group else f"-{version}"
    (folder / f"{kind.lower()}{suffix}.json").write_text(json.dumps(schema))


def _kubernetes() -> Iterator[tuple[tuple[str, str, str], Schema]]:
    file = _module("kubernetes", "k8s.io/kubernetes") / "api/openapi-spec/swagger.json"
    definitions = {
        name: _strict(schema)
        for name, schema in json.loads(file.read_text())["definitions"].items()
    }
    for name, schema in definitions.items():
        kinds = schema.get("x-kubernetes-group-version-kind", [])
        if len(kinds) == 1 and "metadata" in schema.get("properties", {}):
            identity = (kinds[0]["group"], kinds[0]["version"], kinds[0]["kind"])
            yield identity, {**schema, "definitions": _needed(definitions, name)}


def _needed(definitions: dict[str, Schema], name: str) -> dict[str, Schema]:
    """Return the definitions that one refers to, through others too."""
    found: dict[str, Schema] = {}
    waiting = list(_references(definitions[name]))
    while waiting:
        if (each := waiting.pop()) not in found:
            found[each] = definitions[each]
            waiting.extend(_references(definitions[each]))
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(reference := schema.get("$ref"), str):
            yield reference.removeprefix("#/definitions/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for each in schema:
            yield from _references(each)


def _custom() -> Iterator[tuple[tuple[str, str, str], Schema]]:
    for pinned, files in CUSTOM.items():
        folder = _module(*pinned)
        for file in files:
            yield from _versions(YAML(typ="safe").load((folder / file).read_text())["spec"])


def _versions(spec: Schema) -> Iterator[tuple[tuple[str, str, str], Schema]]:
    for version in spec["versions"]:
        schema = _strict(version["schema"]["openAPIV3Schema"])
        # Structural schemas leave the object's own metadata to the API server.
        schema["properties"]["metadata"] = {"type": "object"}
        yield (spec["group"], version["name"], spec["names"]["kind"]), schema


def _strict(schema: Any) -> Any:
    """Close objects that list their properties; translate what OpenAPI says in its own way."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "int-or-string" or schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    strict = {key: _strict(value) for key, value in schema.items() if key != "format"}
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and not open_ended:
        strict.setdefault("additionalProperties", False)
    return strict


def _module(tool: str, path: str) -> Path:
    """Return the folder of a module that `tools/<tool>/go.mod` requires, downloaded if need be."""
    done = subprocess.run(
        ["go", "mod", "download", "-json", path],
        cwd=ROOT / "tools" / tool,
        capture_output=True,
        text=True,
        check=True,
    )
    return Path(json.loads(done.stdout)["Dir"])
