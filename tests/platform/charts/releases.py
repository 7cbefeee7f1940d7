"""Releases of the umbrella charts, and the manifests that helm renders for them."""

import dataclasses
import functools
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from stack import values

from tests.platform.chart import render

Object = dict[str, Any]
OBSERVABILITY = "observability"
ADOPTION = "platform/adopt.yaml"
SINGLE = "single"
PROFILES = ("local", SINGLE, "scaled")
# Live update replaces files in a Deployment's pods, so that no Rollout runs where Tilt does.
# Kyverno looks after prod alone, and Thanos is of the profile `scaled`.
WITHOUT_TILT = {"argo-rollouts", "kyverno", "prometheus-adapter", "thanos"}
BY_ARGO_CD, BY_ANSIBLE, BY_TILT = "by Argo CD", "by cluster.yml", "by Tilt"


@dataclass(frozen=True)
class Release:
    """An umbrella chart as it is released somewhere.

    Attributes:
        where: Who releases it: Argo CD, Tilt, `cluster.yml`, or an option that a person takes.
        chart: Folder of the chart under platform/.
        namespace: Where to.
        profile: How large the platform is.
        overlays: Value files over the chart's values.yaml.
        given: Values that the releaser gives, as JSON.
    """

    where: str
    chart: str
    namespace: str
    profile: str = SINGLE
    overlays: tuple[Path, ...] = ()
    given: str = "{}"

    def __str__(self) -> str:
        return f"{self.chart}, {self.where}, {self.profile}"

    @property
    def name(self) -> str:
        """Name of the release: the chart's first folder, as everyone who releases it says."""
        return self.chart.split("/", maxsplit=1)[0]

    def manifests(self, chart: Path | None = None) -> str:
        """Render it, with its CRDs, from another copy of its chart if one is given.

        Raises:
            RefusedError: The chart does not take the values.
        """
        folder = chart or values.PLATFORM / self.chart
        overlays = [f"--values={overlay}" for overlay in self.overlays]
        with tempfile.NamedTemporaryFile("w", suffix=".json") as given:
            given.write(self.given)
            given.flush()
            return render.helm(
                *("template", self.name, str(folder), f"--namespace={self.namespace}"),
                # Every API server has this one, and helm does not know it without a cluster.
                "--api-versions=apiregistration.k8s.io/v1",
                *("--include-crds", *overlays, f"--values={given.name}"),
            )


def platform() -> list[Release]:
    """Every release of an umbrella chart: Argo CD's, Tilt's, and those that a person may choose.

    A chart without an overlay for a profile is released as in the profile `single`.
    """
    overlaid = [
        each
        for profile in PROFILES
        for each in [*argo_cds(profile), *(tilts() if profile == "local" else ())]
        if profile == SINGLE or each.overlays
    ]
    tail = values.PLATFORM / "otel-collector/values-tail-sampling.yaml"
    scaled = values.PLATFORM / "profiles/scaled/otel-collector.yaml"
    options = [
        Release("tail sampling", "otel-collector", OBSERVABILITY, overlays=(tail,)),
        Release("tail sampling, scaled", "otel-collector", OBSERVABILITY, "scaled", (scaled, tail)),
    ]
    return [*overlaid, *options]


@functools.cache
def argo_cds(profile: str = SINGLE) -> tuple[Release, ...]:
    """The releases of Argo CD and `cluster.yml`: the platform of an environment in a profile."""
    own = _overlays(f"platform/profiles/{profile}/argocd.yaml")
    argo_cd = Release(BY_ANSIBLE, "argocd/install", "argocd", profile, own)
    return (*applications(profile, f"--set=profile={profile}"), argo_cd)


def tilts() -> list[Release]:
    """The releases of Tilt, which gives no values of its own: the profile `local`."""
    return [
        dataclasses.replace(each, where=BY_TILT, given="{}")
        for each in argo_cds("local")
        if each.chart not in WITHOUT_TILT
    ]


def one(found: Iterable[Object], kind: str, name: str) -> Object:
    """Return the only object of a kind and name.

    Raises:
        ValueError: There is none, or there are several.
    """
    (only,) = (each for each in found if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return only


@functools.cache
def objects(release: Release) -> tuple[Object, ...]:
    """Render and parse a release without its CRDs, each object in its namespace."""
    return tuple(_placed(release.manifests(), release.namespace))


def everything(profile: str = SINGLE) -> list[Object]:
    """Every object of the platform in a profile, as Argo CD and `cluster.yml` release it."""
    return [each for release in argo_cds(profile) for each in objects(release)]


@functools.cache
def with_control_plane() -> tuple[Object, ...]:
    """Objects of the chart of Prometheus with the control plane watched: one value is another."""
    (release,) = (each for each in argo_cds() if each.chart == "prometheus")
    with tempfile.TemporaryDirectory() as folder:
        chart = shutil.copytree(values.PLATFORM / release.chart, Path(folder) / "prometheus")
        text = (chart / "values.yaml").read_text()
        off, on = "&controlPlane {enabled: false}", "&controlPlane {enabled: true}"
        assert text.count(off) == 1
        (chart / "values.yaml").write_text(text.replace(off, on))
        return tuple(_placed(release.manifests(chart), release.namespace))


def service_objects(environment: str) -> list[Object]:
    """Objects of every service in an environment, in its namespace there."""
    found: list[Object] = []
    for name in render.services():
        manifests = render.service(name, "--set", f"environment={environment}")
        found += _placed(manifests, f"{name}-{environment}")
    return found


def environments() -> list[str]:
    """Names of the environments that Argo CD deploys to."""
    apps = values.read(values.PLATFORM / "argocd/apps/values.yaml")
    return list(apps["environments"])


def applications(profile: str, *flags: str) -> list[Release]:
    """The releases of the platform's applications, rendered with flags that set the profile."""
    rendered = render.helm(
        "template", "apps", "platform/argocd/apps", f"--values={ADOPTION}", *flags
    )
    found = []
    for application in render.objects(rendered):
        if application["kind"] != "Application":
            continue
        spec = application["spec"]
        chart = spec["sources"][0]
        path = chart["path"].removeprefix("platform/")
        assert chart["helm"]["ignoreMissingValueFiles"]
        overlays = _overlays(*(file.removeprefix("/") for file in chart["helm"]["valueFiles"]))
        own = json.dumps(chart["helm"].get("valuesObject", {}))
        space = spec["destination"]["namespace"]
        found.append(Release(BY_ARGO_CD, path, space, profile, overlays, own))
    return found


def _overlays(*files: str) -> tuple[Path, ...]:
    return tuple(found for file in files if (found := values.ROOT / file).is_file())


def _placed(manifests: str, namespace: str) -> list[Object]:
    found = parsed(document for document in documents(manifests) if not is_crd(document))
    for each in found:
        each["metadata"].setdefault("namespace", namespace)
    return found


def documents(manifests: str) -> list[str]:
    """Split manifests into documents."""
    return re.split(r"^---\s*$", manifests, flags=re.MULTILINE)


def is_crd(document: str) -> bool:
    """Is a document a CustomResourceDefinition? Megabytes: parsed only where they matter."""
    return re.search(r"^kind: CustomResourceDefinition$", document, re.MULTILINE) is not None


def parsed(given: Iterable[str]) -> list[Object]:
    """Parse documents; an object of a kind like List stands for those that it holds."""
    yaml = YAML(typ="safe")
    # A CRD lists the operators of Alertmanager's matchers: a plain "=" has a tag of its own.
    yaml.constructor.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)
    found = [each for document in given if (each := yaml.load(document))]
    return [item for each in found for item in each.get("items", [each])]


def labels_match(wanted: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Does a label selector pick something with these labels?

    Raises:
        ValueError: It has an operator that is not known here.
    """
    for key, value in wanted.get("matchLabels", {}).items():
        if labels.get(key) != value:
            return False
    for each in wanted.get("matchExpressions", ()):
        present = labels.get(each["key"])
        match each["operator"]:
            case "In":
                picked = present in each["values"]
            case "NotIn":
                picked = present not in each["values"]
            case "Exists":
                picked = present is not None
            case "DoesNotExist":
                picked = present is None
            case other:
                raise ValueError(f"operator {other} of a label selector")
        if not picked:
            return False
    return True
