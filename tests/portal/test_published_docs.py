"""`make publish-docs` fills a bucket, and a Backstage that builds no documentation serves it."""

import os
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from slo.adoption import load_adoption

from tests.portal import stubs
from tests.portal.backend import PLATFORM, backend, has, running, wait_for
from tests.service import ROOT, free_port

# The backend and the store start; the command builds the site twice.
pytestmark = pytest.mark.timeout(600)
SITE = "default/system/ports-platform"


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of an empty bucket in moto, a stand-in for Amazon S3."""
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    program = ROOT / ".venv-s3/bin/moto_server"
    log = tmp_path_factory.mktemp("store") / "store.log"
    with running([program, "-H", "127.0.0.1", "-p", port], log, url):
        httpx.put(f"{url}/techdocs").raise_for_status()
        yield {
            "TECHDOCS_BUCKET": "techdocs",
            "TECHDOCS_ENDPOINT": url,
            "TECHDOCS_PATH_STYLE": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "none",
        }


@pytest.fixture(scope="module")
def backstage(
    bucket: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A backend that is configured for the bucket, when its catalog has loaded the system."""
    files = (PLATFORM / "app-config.plugins.yaml", PLATFORM / "app-config.techdocs.yaml")
    github = stubs.GitHub(load_adoption(ROOT).slug)
    with stubs.serving("GitHub", github.answer) as github.url:
        folder = tmp_path_factory.mktemp("published")
        with backend(folder, github.url, *files, **bucket) as client:
            wait_for(lambda: has(client, "component/default/ports"), 400)
            yield client


def test_backstage_serves_what_the_command_published_and_builds_nothing(
    backstage: httpx.Client, bucket: dict[str, str]
) -> None:
    component = backstage.get("/api/catalog/entities/by-name/component/default/ports").json()
    annotations = component["metadata"]["annotations"]
    assert annotations["backstage.io/techdocs-entity"] == "system:default/ports-platform"
    page = annotations["backstage.io/techdocs-entity-path"]
    url = f"/api/techdocs/static/docs/{SITE}{page}/index.html"

    asked = backstage.get(f"/api/techdocs/sync/{SITE}")
    assert asked.is_success or asked.status_code == 304, asked.text
    assert backstage.get(url).status_code == 404
    publish(bucket)
    served = backstage.get(url)
    assert served.status_code == 200, served.text
    assert "<title>SLOs of ports - Ports platform</title>" in served.text
    metadata = backstage.get(f"/api/techdocs/metadata/techdocs/{SITE}").json()
    assert metadata["site_name"] == "Ports platform"
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert metadata["etag"] == commit.stdout.strip()


def publish(bucket: dict[str, str]) -> None:
    """Run the command, and check that TechDocs' tool did not rewrite this file of the checkout."""
    before = (ROOT / "mkdocs.yml").read_text()
    done = subprocess.run(
        ["make", "publish-docs"],
        cwd=ROOT, env=os.environ | bucket, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert (ROOT / "mkdocs.yml").read_text() == before
