"""Facts of the upstream charts with our values, for tests that run without the charts.

`make charts-facts` writes `facts.yaml` again; `make charts` fails if it differs from the charts.
"""

import re
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from stack import values

from tests.platform.charts import addresses, releases, scrapes, sums, vendor
from tests.platform.charts.releases import Object, Release

FILE = Path(__file__).with_name("facts.yaml")
HEADER = "# What the pinned upstream charts make of our values. Written by `make charts-facts`.\n"

Facts = dict[str, Any]


def read() -> Facts:
    """Return what was recorded."""
    return values.read(FILE)


def objects(chart: str, namespace: str) -> list[Object]:
    """Return what was recorded of a chart as objects that have a kind, a name and a namespace."""
    facts = read()["charts"][chart]
    found: list[Object] = []
    for kind, names in facts["objects"].items():
        for name in names:
            *elsewhere, own = name.split("/")
            meta = {"name": own, "namespace": elsewhere[0] if elsewhere else namespace}
            found.append({"kind": kind, "metadata": meta})
    for kind, name in facts["kinds"].items():
        crd = {"kind": "CustomResourceDefinition", "metadata": {"name": name}}
        found.append({**crd, "spec": {"names": {"kind": kind}}})
    return found


def record() -> Facts:
    """Render the charts and return the facts to record."""
    everything = releases.everything()
    services = releases.service_objects("dev")
    single = {release.chart: _chart(release) for release in releases.argo_cds()}
    scaled = {release.chart: _chart(release) for release in releases.argo_cds("scaled")}
    everywhere = [*everything, *releases.everything("scaled"), *services]
    known = sorted(scrapes.jobs(everywhere))
    alerts = scrapes.severities(releases.with_control_plane())
    more = {name: _added(scaled[name], single[name]) for name in sorted(single)}
    return {
        "charts": dict(sorted({**scaled, **single}.items())),
        "more_if_scaled": {name: added for name, added in more.items() if any(added.values())},
        "jobs": known,
        "alerts": alerts,
        "alerts_of_the_control_plane": sorted(alerts.keys() - scrapes.severities(everything)),
    }


def _chart(release: Release) -> Facts:
    found: dict[str, list[str]] = {}
    for each in releases.objects(release):
        meta = each["metadata"]
        if (meta.get("annotations") or {}).get("helm.sh/hook") == "test":
            continue  # `helm test` runs it, and Argo CD leaves it out
        at = "" if meta["namespace"] == release.namespace else f"{meta['namespace']}/"
        found.setdefault(each["kind"], []).append(at + meta["name"])
    ports = addresses.ports(releases.objects(release))
    return {
        "upstream": [pin.archive for pin in vendor.pins(values.PLATFORM / release.chart)],
        "objects": {kind: sorted(found[kind]) for kind in sorted(found)},
        "kinds": dict(sorted(kinds(release).items())),
        "services": {
            name: sorted(ports[name, namespace])
            for name, namespace in sorted(ports)
            if namespace == release.namespace
        },
    }


def _added(scaled: Facts, single: Facts) -> Facts:
    """Return the objects and Services that a chart has in the profile `scaled` alone."""
    objects = {
        kind: sorted(set(names) - set(single["objects"].get(kind, ())))
        for kind, names in scaled["objects"].items()
    }
    services = {
        name: ports for name, ports in scaled["services"].items() if name not in single["services"]
    }
    return {"objects": {k: names for k, names in objects.items() if names}, "services": services}


def kinds(release: Release) -> Mapping[str, str]:
    """Return the kinds that a release's CRDs define, and the CRDs' names."""
    found = {}
    for document in releases.documents(release.manifests()):
        if releases.is_crd(document):
            name = re.search(r"^metadata:\n(?:  .*\n)*?  name: (\S+)$", document, re.MULTILINE)
            kind = re.search(r"^  names:\n(?:    .*\n)*?    kind: (\S+)$", document, re.MULTILINE)
            assert name, document[:200]
            assert kind, document[:200]
            found[kind[1].strip('"')] = name[1].strip('"')
    return found


def dumped(facts: Facts) -> str:
    """Return the text of the file."""
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.width = 100
    out = StringIO()
    yaml.dump(facts, out)
    return HEADER + out.getvalue()


def main() -> int:
    """Write the file, and the page of what each profile requests."""
    FILE.write_text(dumped(record()))
    sums.PAGE.write_text(sums.page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
