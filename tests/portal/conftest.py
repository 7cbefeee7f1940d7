"""A real Backstage backend over this checkout, a service of its template, and what plugins ask.

GitHub, Grafana, Argo CD and Kubernetes are stubs. PostgreSQL and Prometheus are real.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from slo.adoption import load_adoption
from slo.generate import generate

from tests.platform.chart import render
from tests.portal import stubs
from tests.portal.backend import PLATFORM, WITH_MKDOCS, backend, has, running, wait_for
from tests.service import ROOT, free_port

OFFLINE = ROOT / "tests/platform/backstage"
ENVIRONMENTS = ("dev", "staging", "prod")
ANSWERS = {
    "name": "port-calls",
    "description": "Calls of ships at ports",
    "owner": "group:default/maritime",
    "objective": 99.5,
    "store": "postgresql",
    "calls": "ports",
}
SERVICES = ("ports", "port-calls")


@dataclass
class Portal:
    """The backend, and what it talks to."""

    client: httpx.Client
    github: stubs.GitHub
    kubernetes: stubs.Kubernetes

    def entity(self, reference: str) -> Any:
        """Return an entity such as `component/default/ports`."""
        return self.get(f"/api/catalog/entities/by-name/{reference}").json()

    def annotation(self, name: str, service: str = "ports") -> str:
        """Return an annotation of a service's component."""
        return str(self.entity(f"component/default/{service}")["metadata"]["annotations"][name])

    def get(self, path: str, **query: str) -> httpx.Response:
        """Return a successful answer."""
        response = self.client.get(path, params=query or None)
        assert response.status_code == 200, response.text[:500]
        return response

    def run_template(self, **answers: object) -> Any:
        """Run the template as the form's last button does, and return the task that has ended."""
        template = "template:default/django-ninja-service"
        response = self.client.post(
            "/api/scaffolder/v2/tasks", json={"templateRef": template, "values": answers}
        )
        assert response.status_code == 201, response.text
        url = f"/api/scaffolder/v2/tasks/{response.json()['id']}"
        return wait_for(
            lambda: (task := self.get(url).json())["status"] in {"completed", "failed"} and task
        )


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that `make new-service` makes of the same answers."""
    folder = tmp_path_factory.mktemp("made")
    answers = [f"{key}={value}" for key, value in ANSWERS.items()]
    subprocess.run(["node", OFFLINE / "scaffold.mjs", ROOT, folder, *answers], check=True)
    return folder


@pytest.fixture(scope="session")
def platform(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is generated for two services: `ports` and the new one."""
    root = tmp_path_factory.mktemp("platform")
    for name in ("platform/adopt.yaml", "services/ports"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, root / name)
    shutil.copytree(made, root, dirs_exist_ok=True)
    paths = ("/port-calls", "/port-calls/{id}", "/port-calls/ports/{id}")
    routes: dict[str, Any] = {path: {"get": {}} for path in paths}
    (root / "services/port-calls/openapi.json").write_text(json.dumps({"paths": routes}))
    for path, text in generate(root).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


def dashboards(platform: Path) -> list[Any]:
    """Return the dashboards of all services."""
    files = platform.glob("platform/generated/*/dashboards/*.json")
    return [json.loads(file.read_text()) for file in files]


def deployed(platform: Path) -> Iterator[Any]:
    """Yield what the chart makes of each service in each environment, with a pod of each."""
    for service in SERVICES:
        for environment in ENVIRONMENTS:
            manifests = render.helm(
                "template", service, "platform/chart", "--kube-version", render.KUBERNETES,
                "--values", f"{platform}/platform/adopt.yaml",
                "--values", f"{platform}/services/{service}/values.yaml",
                "--set", f"environment={environment},image.digest={render.DIGEST}",
                "--namespace", f"{service}-{environment}",
                root=ROOT,
            )  # fmt: skip
            for each in render.objects(manifests):
                # Tests of the release run when somebody asks for them.
                if "helm.sh/hook" in each["metadata"].get("annotations", {}):
                    continue
                each["metadata"].setdefault("namespace", f"{service}-{environment}")
                yield each
                if each["kind"] == "Deployment":
                    template = each["spec"]["template"]
                    yield {"apiVersion": "v1", "kind": "Pod", "status": {}, **template}


def applications() -> Iterator[Any]:
    """Yield the Application that each ApplicationSet's template makes of each service."""
    manifests = render.helm(
        "template", "apps", "platform/argocd/apps", "--values", "platform/adopt.yaml", root=ROOT
    )
    sets = {
        each["metadata"]["name"]: each
        for each in render.objects(manifests)
        if each["kind"] == "ApplicationSet"
    }
    for name in ("services", "services-pruned"):
        generators = sets[name]["spec"]["generators"][0]["matrix"]["generators"]
        for element in generators[0]["list"]["elements"]:
            for service in SERVICES:
                text = json.dumps(sets[name]["spec"]["template"])
                text = text.replace('{{ trimSuffix \\".yaml\\" .path.filename }}', service)
                yield json.loads(text.replace("{{ .environment }}", element["environment"]))


@contextmanager
def prometheus(platform: Path, folder: Path) -> Iterator[str]:
    """Run Prometheus over the rules of both services, with series of both in each environment."""
    now = int(time.time())
    lines = [
        f'{name}{{service_name="{service}",deployment_environment_name="{environment}",'
        f'slo="availability"}} 0.5 {moment}'
        for name in ("slo:sli_error:ratio_rate5m", "slo:period_error_budget_remaining:ratio")
        for service in SERVICES
        for environment in ENVIRONMENTS
        for moment in range(now - 900, now, 15)
    ]
    (folder / "series.txt").write_text("\n".join([*lines, "# EOF\n"]))
    data = folder / "data"
    subprocess.run(
        [ROOT / "tools/bin/promtool", "tsdb", "create-blocks-from", "openmetrics",
         folder / "series.txt", data],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    rules = []
    for service in SERVICES:
        text = (platform / f"platform/generated/{service}/rules.yaml").read_text()
        rules.append(folder / f"{service}.yaml")
        rules[-1].write_text(text.replace("interval: 15s", "interval: 1s"))
    config = folder / "prometheus.yaml"
    config.write_text(json.dumps({"rule_files": [str(file) for file in rules]}))
    address = f"127.0.0.1:{free_port()}"
    command = [
        ROOT / "tools/bin/prometheus", f"--config.file={config}", f"--storage.tsdb.path={data}",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    with running(command, folder / "prometheus.log", f"http://{address}/-/ready"):
        yield f"http://{address}"


@pytest.fixture(scope="session")
def portal(platform: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The backend, when its catalog has loaded the services."""
    folder = tmp_path_factory.mktemp("portal")
    adoption = load_adoption(ROOT)
    github = stubs.GitHub(adoption.slug)
    kubernetes = stubs.Kubernetes(list(deployed(platform)))
    with ExitStack() as stack:
        github.url = stack.enter_context(stubs.serving("GitHub", github.answer))
        variables = {
            **WITH_MKDOCS,
            "GRAFANA_URL": stack.enter_context(
                stubs.serving("Grafana", stubs.grafana(dashboards(platform)))
            ),
            "GRAFANA_DOMAIN": adoption.urls.grafana,
            "PROMETHEUS_URL": stack.enter_context(prometheus(platform, folder)),
            "PROMETHEUS_DOMAIN": adoption.urls.prometheus,
            "ARGOCD_URL": stack.enter_context(
                stubs.serving("Argo CD", stubs.argocd(list(applications())))
            ),
            "KUBERNETES_URL": stack.enter_context(stubs.serving("Kubernetes", kubernetes.answer)),
        }
        client = stack.enter_context(
            backend(folder, github.url, PLATFORM / "app-config.plugins.yaml", **variables)
        )
        # The last entity that the location leads to.
        wait_for(lambda: has(client, "resource/default/ports-database"), 400)
        yield Portal(client, github, kubernetes)
