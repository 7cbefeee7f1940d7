"""Stubs of GitHub, Grafana, Argo CD and Kubernetes, which answer what a Backstage backend asks.

They serve what this repository generates. The header `Server` of each answer says that it is a
stub's.
"""

import base64
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.checkout import tracked
from tests.service import ROOT
from tests.support.answers import listening

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Json = Any
Query = dict[str, str]
# Answers a request with JSON, with bytes, or with None: nothing is there.
Answer = Callable[[str, str, Query, Json], Json]


@contextmanager
def serving(name: str, answer: Answer) -> Iterator[str]:
    """Serve a stub on a free port of 127.0.0.1; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = f"a stub of {name} for tests"
        sys_version = ""

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _any(self) -> None:
            url = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(url.query).items()}
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            found = answer(self.command, unquote(url.path), query, body)
            status = 404 if found is None else 201 if self.command == "POST" else 200
            data = found if isinstance(found, bytes) else json.dumps(found or {}).encode()
            self.send_response(status)
            kind = "application/octet-stream" if isinstance(found, bytes) else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _any  # noqa: N815 - the library's names

    with listening(Handler) as url:
        yield url


class GitHub:
    """The REST and GraphQL interfaces that the URL reader and the pull request's action use.

    Its one repository is this checkout. `proposed` has the files of the pull request by path, and
    `pull_requests` what was said of each.
    """

    def __init__(self, repository: str) -> None:
        """Serve this checkout under a name such as `example/ports-platform`."""
        self.repository = repository
        self.url = ""
        self.files = {name: (ROOT / name).read_bytes() for name in tracked()}
        self.proposed: dict[str, str] = {}
        self.pull_requests: list[Json] = []
        self._blobs: list[str] = []

    def answer(self, method: str, path: str, _query: Query, body: Json) -> Json:
        """Answer a request as GitHub would."""
        if path == "/graphql":
            return {"data": {"repository": {"ref": None}}}
        prefix = f"/repos/{self.repository}"
        if not path.startswith(prefix):
            return None
        rest = path.removeprefix(prefix)
        return self._written(rest, body) if method == "POST" else self._read(rest)

    def _read(self, rest: str) -> Json:
        _, part, name = (*rest.split("/", 2), "", "")[:3]
        if part == "git":
            kind, _, name = name.partition("/")
            if kind == "trees":
                return {"truncated": False, "tree": [self._blob(each) for each in self.files]}
            return {"content": base64.b64encode(self.files[name]).decode()}
        if part == "commits":
            status = {"sha": COMMIT, "repository": self._described()}
            return status if name else [{"sha": COMMIT, "commit": {"tree": {"sha": COMMIT}}}]
        found = {
            "": self._described,
            "contents": lambda: self.files.get(name),
            "tarball": self._tarball,
        }
        return found[part]()

    def _described(self) -> Json:
        base = f"{self.url}/repos/{self.repository}"
        return {
            "default_branch": "main",
            "permissions": {"push": True},
            "archive_url": base + "/{archive_format}{/ref}",
            "trees_url": base + "/git/trees{/sha}",
        }

    def _blob(self, name: str) -> Json:
        url = f"{self.url}/repos/{self.repository}/git/blobs/{name}"
        return {"type": "blob", "path": name, "url": url}

    def _tarball(self) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in self.files.items():
                member = tarfile.TarInfo(f"{self.repository.replace('/', '-')}-0123456/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return packed.getvalue()

    def _written(self, rest: str, body: Json) -> Json:
        if rest == "/git/blobs":
            self._blobs.append(base64.b64decode(body["content"]).decode())
            return {"sha": str(len(self._blobs) - 1)}
        if rest == "/git/trees":
            for each in body["tree"]:
                content = each.get("content")
                self.proposed[each["path"]] = (
                    self._blobs[int(each["sha"])] if content is None else content
                )
        if rest == "/pulls":
            self.pull_requests.append(body)
        url = f"https://github.com/{self.repository}/pull/1"
        return {"sha": COMMIT, "number": 1, "html_url": url, "base": {"ref": "main"}}


def grafana(dashboards: list[Json]) -> Answer:
    """Serve the search of dashboards."""

    def answer(_method: str, path: str, query: Query, _body: Json) -> Json:
        if path != "/api/search":
            return None
        wanted = query.get("tag")
        return [
            {"url": f"/d/{each['uid']}", **{key: each[key] for key in ("uid", "title", "tags")}}
            for each in dashboards
            if wanted is None or wanted in each["tags"]
        ]

    return answer


def selected(objects: list[Json], selector: str | None) -> list[Json]:
    """Return the objects that a selector of equalities picks; all without one."""
    wanted = [each.split("=") for each in selector.split(",")] if selector else []
    return [
        each
        for each in objects
        if all(each["metadata"].get("labels", {}).get(key) == value for key, value in wanted)
    ]


def argocd(applications: list[Json]) -> Answer:
    """Serve the list of Applications."""

    def answer(_method: str, path: str, query: Query, _body: Json) -> Json:
        if path != "/api/v1/applications":
            return None
        return {"items": selected(applications, query.get("selector"))}

    return answer


def named(entry: Json) -> str:
    """Return the name of the list that an object is in."""
    return f"{entry['kind'].lower()}s"


class Kubernetes:
    """Lists of objects in all namespaces; `asked` has group and resource of each list."""

    def __init__(self, objects: list[Json]) -> None:
        """Serve these objects."""
        self.objects = objects
        self.asked: set[tuple[str, str]] = set()

    def answer(self, _method: str, path: str, query: Query, _body: Json) -> Json:
        """Answer a list of one kind, of all namespaces or of one."""
        found = re.fullmatch(r"/(?:api|apis/([^/]+))/v\w+/(?:namespaces/[\w-]+/)?(\w+)", path)
        if found is None:
            return None
        group, plural = found[1] or "", found[2]
        self.asked.add((group, plural))
        # Nothing measures pods here.
        measured = group == "metrics.k8s.io"
        own = [] if measured else [each for each in self.objects if named(each) == plural]
        return {"kind": "List", "items": selected(own, query.get("labelSelector"))}
