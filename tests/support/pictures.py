"""The pictures of docs/images, and what each was drawn from."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.service import ROOT

FOLDER = ROOT / "docs" / "images"
MANIFEST = FOLDER / "manifest.json"
MAX_BYTES = 150_000
HIDDEN = ("links", "description")

_GENERATED = "platform/generated"
_FORM = "platform/backstage/template/template.yaml"
_PAGE = "services/ports/seaports/templates/seaports/landing"
# A picture's sources: when one of them changes, the picture is out of date. None: no file decides
# alone what it shows.
SOURCES = {
    "slo-overview.webp": (f"{_GENERATED}/platform/dashboards/overview.json",),
    "slo-availability.webp": (f"{_GENERATED}/ports/dashboards/availability.json",),
    "requests.webp": (f"{_GENERATED}/ports/dashboards/requests.json",),
    "trace-and-logs.webp": (),
    "landing-page.webp": (
        "packages/service/service/django/templates/service/landing.html",
        *(f"{_PAGE}.{kind}" for kind in ("html", "css", "js")),
    ),
    "api-docs.webp": (),
    "backstage-component.webp": (),
    "backstage-docs.webp": (),
    "backstage-form.webp": (_FORM,),
    "backstage-system.webp": (),
    "jaeger-trace.webp": (),
    "argocd-applications.webp": (),
    "argocd-application.webp": (),
    "tilt-overview.webp": (),
}


def digests(picture: str) -> dict[str, str]:
    """Return the SHA-256 of what each source of a picture says now."""
    return {
        source: hashlib.sha256(_shown(ROOT / source)).hexdigest() for source in SOURCES[picture]
    }


def _shown(source: Path) -> bytes:
    """Return what a picture shows of a file.

    Of a dashboard: all but links and descriptions. No picture shows an address, of which each copy
    of the repository has its own, nor a tooltip. Of the template: the form.
    """
    if source.match(_FORM):
        form = YAML(typ="safe").load(source)
        return json.dumps([form["metadata"], form["spec"]["parameters"]], sort_keys=True).encode()
    if source.suffix != ".json":
        return source.read_bytes()
    return json.dumps(_without_hidden(json.loads(source.read_text())), sort_keys=True).encode()


def _without_hidden(value: Any) -> Any:
    match value:
        case dict():
            shown = {key: each for key, each in value.items() if key not in HIDDEN}
            return {key: _without_hidden(each) for key, each in shown.items()}
        case list():
            return [_without_hidden(each) for each in value]
    return value


def drawn() -> dict[str, dict[str, str]]:
    """Return what each picture was drawn from."""
    found: dict[str, dict[str, str]] = json.loads(MANIFEST.read_text())
    return found


def record(names: Iterable[str]) -> None:
    """Write down that these pictures were drawn from what is there now."""
    known = drawn() if MANIFEST.exists() else {}
    known |= {name: digests(name) for name in names}
    MANIFEST.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")


def out_of_date() -> list[str]:
    """Name the pictures that are missing, too large, or drawn from other sources than today's."""
    known = drawn()
    return [
        picture
        for picture in sorted(SOURCES)
        if not (FOLDER / picture).is_file()
        or (FOLDER / picture).stat().st_size > MAX_BYTES
        or known.get(picture) != digests(picture)
    ]
