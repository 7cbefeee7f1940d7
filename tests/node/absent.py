"""Images for `tilt up` that hold no built tool of one module, under the official names.

A server that answers 200 to everything stands in for Grafana, `sleep` for its sidecars, and `true`
for kube-webhook-certgen, whose secret the test makes. Argo CD is the built tool, which is older
than the tag, on Debian's Python, without gpg. A script stands in for `cp`, because Debian's does
not know `--update=none`. Redis is Debian's.
"""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from stack import kubernetes
from stack.ways import tool

from tests.platform.image import engine
from tests.platform.stack.stand_ins import libraries

_GRAFANA: Final = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
HTTPServer(("", 3000), Answer).serve_forever()
"""
# Entry point by the image's name without its tag.
ENTRY_POINTS: Final = {
    "docker.io/grafana/grafana": ["python3", "-c", _GRAFANA],
    "ecr-public.aws.com/docker/library/redis": ["redis-server"],
    "ghcr.io/jkroepke/kube-webhook-certgen": ["true"],
    "quay.io/argoproj/argocd": ["env", "ARGOCD_GPG_ENABLED=false"],
    "quay.io/kiwigrid/k8s-sidecar": ["sleep", "infinity"],
}
_CP: Final = "#!/usr/bin/python3\nimport shutil, sys\nshutil.copy(*sys.argv[-2:])\n"
_ARGO_CD: Final = ("application-controller", "applicationset-controller", "repo-server", "server")


def make(names: Sequence[str]) -> list[str]:
    """Make those of these images that `ENTRY_POINTS` has, and return their names."""
    made = [name for name in names if name.rpartition(":")[0] in ENTRY_POINTS]
    if not made:
        return []  # `make tools` has built no program that nobody asks for
    with tempfile.TemporaryDirectory() as context:
        _programs(Path(context, "root"))
        for name in made:
            entry_point = json.dumps(ENTRY_POINTS[name.rpartition(":")[0]])
            lines = (f"FROM {engine.base_image()}", "COPY root /", "USER 999")
            recipe = "\n".join([*lines, f"ENTRYPOINT {entry_point}", ""])
            Path(context, "Dockerfile").write_text(recipe)
            engine.podman("build", "--quiet", "--tag", name, context)
    return made


def _programs(root: Path) -> None:
    """Lay out Argo CD, whose parts are names of one program, and Redis with its libraries."""
    redis = kubernetes.debian("redis-server")
    for file in [Path(redis), *libraries(redis)]:
        copy = root / str(file).lstrip("/")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file.resolve(), copy)
        copy.chmod(0o755)
    programs = root / "usr/local/bin"
    programs.mkdir(parents=True)
    shutil.copy(tool("argocd"), programs / "argocd")
    (root / "usr/bin/cp").write_text(_CP)
    (root / "usr/bin/cp").chmod(0o755)
    for part in _ARGO_CD:
        (programs / f"argocd-{part}").symlink_to("argocd")
