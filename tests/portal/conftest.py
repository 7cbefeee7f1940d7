"""A real Backstage backend over this checkout, a service of its template, and what plugins ask.

GitHub, Grafana, Argo CD and Kubernetes are stubs. PostgreSQL and Prometheus are real.
"""

import json
import os
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
from ruamel.yaml import YAML
from slo.adoption import load_adoption
from slo.generate import generate

from tests import postgres
from tests.platform.chart import render
from tests.portal import stubs
from tests.service import ROOT, free_port

HERE = Path(__file__).parent
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
TOKEN = "a-token-of-the-tests"  # noqa: S105 - of this backend alone
yaml = YAML(typ="safe")


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


def wait_for(condition: Any, seconds: float = 200) -> Any:
    """Return what a condition returns as soon as it is true of anything."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.2)
    return found


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


@contextmanager
def running(command: list[Any], log: Path, ready: str, **variables: str) -> Iterator[None]:
    """Run a program, wait until it answers at an address, and end it."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=HERE, env=os.environ | variables, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_for(lambda: answers(process, ready, log), 400)
            yield
        finally:
            process.terminate()
            process.wait(30)


def answers(process: subprocess.Popen[bytes], ready: str, log: Path) -> bool:
    """Tell whether a program answers 200; fail if it has ended."""
    assert process.poll() is None, log.read_text()[-4000:]
    try:
        return httpx.get(ready).status_code == 200
    except httpx.TransportError:
        return False


def owners_configuration(folder: Path) -> Path:
    """Do what the page says: copy each entry into the list of the owner's app-config."""
    config = yaml.load(OFFLINE / "owner.app-config.yaml")
    entries = yaml.load(ROOT / "platform/backstage/app-config.yaml")
    config["catalog"]["locations"] += entries["catalog"]["locations"]
    config["kubernetes"]["clusterLocatorMethods"] = entries["kubernetes"]["clusterLocatorMethods"]
    # The targets of the owner's other entries are not here.
    del config["catalog"]["locations"][0]
    file = folder / "app-config.yaml"
    file.write_text(json.dumps(config))
    return file


@pytest.fixture(scope="session")
def portal(platform: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The backend, when its catalog has loaded the services."""
    folder = tmp_path_factory.mktemp("portal")
    adoption = load_adoption(ROOT)
    github = stubs.GitHub(adoption.slug)
    kubernetes = stubs.Kubernetes(list(deployed(platform)))
    at = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        github.url = stack.enter_context(stubs.serving("GitHub", github.answer))
        cluster = stack.enter_context(stubs.serving("Kubernetes", kubernetes.answer))
        boards = stack.enter_context(stubs.serving("Grafana", stubs.grafana(dashboards(platform))))
        argocd = stack.enter_context(stubs.serving("Argo CD", stubs.argocd(list(applications()))))
        metrics = stack.enter_context(prometheus(platform, folder))
        server = stack.enter_context(postgres.cluster())
        database = httpx.URL(server.url)
        of_tests = {
            "app": {"baseUrl": at},
            "backend": {
                "baseUrl": at,
                "listen": {"host": "127.0.0.1", "port": int(at.rpartition(":")[2])},
                "database": {
                    "client": "pg",
                    "connection": {
                        "host": database.host, "port": database.port, "user": database.username,
                        "password": database.password,
                    },
                },
                "auth": {
                    "externalAccess": [
                        {"type": "static", "options": {"token": TOKEN, "subject": "tests"}}
                    ]
                },
            },
            "techdocs": {
                "publisher": {"type": "local", "local": {"publishDirectory": str(folder / "docs")}}
            },
            "integrations": {
                "github": [{"host": "github.com", "apiBaseUrl": github.url, "token": "none"}]
            },
        }  # fmt: skip
        (folder / "app-config.tests.yaml").write_text(json.dumps(of_tests))
        files = [
            owners_configuration(folder),
            ROOT / "platform/backstage/app-config.plugins.yaml",
            folder / "app-config.tests.yaml",
        ]
        tokens = ("GRAFANA", "ARGOCD", "KUBERNETES", "GITHUB", "ACME")
        variables = {
            # TechDocs runs the mkdocs that `make docs` runs.
            "PATH": f"{ROOT / '.venv-docs/bin'}:{os.environ['PATH']}",
            "NODE_ENV": "development",
            "PORTS_PLATFORM_REPOSITORY": adoption.repository,
            "GRAFANA_URL": boards,
            "GRAFANA_DOMAIN": adoption.urls.grafana,
            "PROMETHEUS_URL": metrics,
            "PROMETHEUS_DOMAIN": adoption.urls.prometheus,
            "ARGOCD_URL": argocd,
            "KUBERNETES_URL": cluster,
            "KUBERNETES_CA": "bm9uZQ==",
            **{f"{name}_TOKEN": "none" for name in tokens},
        }
        command = ["node", "--no-node-snapshot", HERE / "backend.mjs"]
        command += [part for file in files for part in ("--config", file)]
        stack.enter_context(
            running(
                command,
                folder / "backend.log",
                f"{at}/.backstage/health/v1/readiness",
                **variables,
            )
        )
        headers = {"Authorization": f"Bearer {TOKEN}"}
        client = stack.enter_context(httpx.Client(base_url=at, headers=headers, timeout=60))
        found = Portal(client, github, kubernetes)
        wait_for(lambda: loaded(found), 400)
        yield found


def loaded(portal: Portal) -> bool:
    """Tell whether the catalog has the last entity that the location leads to."""
    path = "/api/catalog/entities/by-name/resource/default/ports-database"
    return portal.client.get(path).status_code == 200
