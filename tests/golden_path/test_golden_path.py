"""A service from the software template works, and no file that was there had to be edited.

In this order, on one copy of the repository: each scenario stands on those before it.
"""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.documentation import documented
from tests.golden_path.conftest import (
    ANSWERS,
    BACKSTAGE,
    NAME,
    PACKAGE,
    PAGE,
    Copy,
    environment,
)
from tests.platform.chart.render import DIGEST
from tests.platform.tilt.evaluation import evaluate
from tests.service import ROOT, Service, free_port, stop, wait_until_ready

# A new environment is installed for the copy, as a newcomer's: a minute, more on a busy machine.
pytestmark = pytest.mark.timeout(900)

TOOLS = ROOT / "tools" / "bin"
# The generated files that list all services: they get lines, and lose none.
GROWS = (
    ".github/CODEOWNERS",
    "docs/telemetry-reference.md",
    "platform/backstage/template/services.yaml",
    "platform/backstage/template/taken.yaml",
)


def test_the_template_only_adds_files(copy: Copy, scaffolded: list[str]) -> None:
    assert copy.status() == dict.fromkeys(scaffolded, "??")
    assert len(scaffolded) == 42
    left = [
        name for name in scaffolded if "{{" in name or "{{ values" in (copy.root / name).read_text()
    ]
    assert left == []


def test_generate_changes_only_the_lists_of_services(generated: Copy) -> None:
    changed = {name: state for name, state in generated.status().items() if state != "??"}
    assert changed == dict.fromkeys(GROWS, " M")
    for name in GROWS:
        before = (ROOT / name).read_text().splitlines()
        after = (generated.root / name).read_text().splitlines()
        assert set(before) < set(after)
    assert f"/services/{NAME}/ @example/maritime" in (generated.root / GROWS[0]).read_text()
    generated.run("make", "check-generated")


def test_its_code_passes_the_linters(generated: Copy, plain: Path) -> None:
    generated.python("ruff", "check", ".")
    generated.python("ruff", "format", "--check", ".")
    generated.run(".venv/bin/python", "tools/prose.py")
    generated.python("lint-imports", "--config", f"services/{NAME}/pyproject.toml")
    generated.run(
        "env",
        f"MYPYPATH=services/{NAME}:{plain}/services/berths",
        ".venv/bin/mypy",
        f"services/{NAME}",
        f"{plain}/services/berths",
        f"tests/unit/{PACKAGE}",
        f"tests/integration/{PACKAGE}",
    )


def test_its_tests_pass_and_cover_it(generated: Copy) -> None:
    printed = generated.python(
        "pytest", "--cov", "--cov-report=", f"tests/unit/{PACKAGE}", f"tests/integration/{PACKAGE}"
    )
    assert "24 passed" in printed
    generated.python(
        "coverage", "report", f"--include=services/{NAME}/*", "--fail-under=95", timeout=60
    )


def test_a_new_service_passes_the_http_contract(generated: Copy) -> None:
    contract = "tests/integration/service/test_http_contract.py"
    printed = generated.python("pytest", "-n0", contract, "tests/browser", "-k", NAME)
    assert "49 passed" in printed
    assert "failed" not in printed
    migrations = "tests/integration/service/test_migrations.py"
    assert "1 passed" in generated.python("pytest", "-n0", migrations, "-k", NAME)


def test_hostile_requests_do_not_add_series_without_bound(generated: Copy) -> None:
    printed = generated.python("pytest", "tests/stress/service/test_cardinality.py", "-k", NAME)
    assert "2 passed" in printed


def test_a_service_without_any_option_starts_and_renders(generated: Copy, plain: Path) -> None:
    """All combinations of options pass the linter in `make test-catalog`."""
    installed, folder = plain / "installed", plain / "services" / "berths"
    generated.python("uv", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
        "--python", ".venv/bin/python", "--target", str(installed), str(folder))  # fmt: skip
    path = f"PYTHONPATH={installed}"
    checked = generated.run("env", path, ".venv/bin/python", folder / "manage.py", "check")
    assert "no issues" in checked
    objects = render(generated, "dev", "berths", plain)
    assert {"Job", "NetworkPolicy"} & {each["kind"] for each in objects} == {"NetworkPolicy"}


def test_its_runbook_can_be_executed(generated: Copy) -> None:
    printed = generated.python("pytest", "tests/unit/gameday/test_runbook.py", "-k", "page")
    assert "failed" not in printed


def test_its_pages_and_addresses_lead_somewhere(generated: Copy) -> None:
    printed = generated.python("pytest", "tests/unit/repository/test_documentation.py")
    assert "failed" not in printed
    assert (
        f"blob/main/services/{NAME}/"
        in (generated.root / f"platform/generated/{NAME}/rules.yaml").read_text()
    )


def test_its_slo_compiles_and_its_alerts_pass_their_tests(generated: Copy) -> None:
    assert f"{NAME}: 1 SLO" in generated.python("slo", "validate")
    assert f"{NAME} availability" in generated.python("slo", "explain", "--service", NAME)
    folder = generated.root / "platform" / "generated" / NAME
    assert "SUCCESS" in generated.run(TOOLS / "promtool", "check", "rules", folder / "rules.yaml")
    assert "SUCCESS" in generated.run(
        TOOLS / "promtool", "test", "rules", folder / "rules.test.yaml"
    )


def render(generated: Copy, environment_name: str, name: str, root: Path) -> list[Any]:
    """Return what the chart makes of a service whose files lie below a folder."""
    manifests = generated.run(
        TOOLS / "helm", "template", name, "platform/chart",
        "--kube-version", "1.34.4",
        "--values", "platform/adopt.yaml",
        "--values", f"{root}/services/{name}/values.yaml",
        "--values", f"{root}/platform/argocd/environments/{environment_name}/{name}.yaml",
        "--set", f"environment={environment_name},image.digest={DIGEST}",
    )  # fmt: skip
    return [each for each in YAML(typ="safe").load_all(manifests) if each]


@pytest.mark.parametrize("environment_name", ["dev", "staging", "prod"])
def test_its_chart_renders(generated: Copy, environment_name: str) -> None:
    objects = render(generated, environment_name, NAME, generated.root)
    (deployment,) = [each for each in objects if each["kind"] in ("Deployment", "Rollout")]
    assert (deployment["kind"] == "Rollout") == (environment_name == "prod")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/name"] == NAME
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    settings = {variable["name"]: variable for variable in container["env"]}
    address = settings["PORT_CALLS_PORTS_URL"]["value"]
    assert address == f"http://ports.ports-{environment_name}:8080"
    secret = settings["PORT_CALLS_STORE_URL"]["valueFrom"]["secretKeyRef"]
    assert secret == {"name": "port-calls-database", "key": "url"}
    (job,) = [each for each in objects if each["kind"] == "Job"]
    assert job["metadata"]["name"] == f"{NAME}-migrate"
    own = {name for name in settings if name.startswith("PORT_CALLS_")}
    program = f"from {PACKAGE}.settings import Environment; print(*Environment.variables())"
    assert own
    assert own - set(generated.python("python", "-c", program).split()) == set()


def test_the_tiltfile_lists_it(generated: Copy) -> None:
    recorded = evaluate(root=generated.root)
    assert set(recorded.resources()) == {"ports", NAME}
    built = [call.arguments[0] for call in recorded.of("docker_build")]
    assert f"ghcr.io/example/{NAME}" in built


def test_its_catalog_entry_validates(
    generated: Copy, component: dict[str, dict[str, object]]
) -> None:
    entity = component[f"component:default/{NAME}"]
    assert entity["spec"]["owner"] == ANSWERS["owner"]  # type: ignore[index]
    assert f"api:default/{NAME}" in component
    # Its annotations and links are compared with what they point at, as those of every service.
    printed = generated.python("pytest", "tests/platform/backstage")
    assert f"[{NAME}]" not in printed  # only failures are named
    generated.run("node", "--test", str(BACKSTAGE.relative_to(ROOT) / "catalog.test.mjs"))


def test_make_run_serves_it(generated: Copy) -> None:
    port = free_port()
    variables = {"PORT": str(port), "PORT_CALLS_DRAIN_SECONDS": "0"}
    log = generated.root.parent / "service.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", documented(PAGE, "make run")],
            cwd=generated.root,
            env=environment() | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=url) as client:
            wait_until_ready(Service(url, process, log, client), f"/{NAME}")
            first = client.get(f"/{NAME}/first").json()
            assert first == {"id": "first", "name": "The first item"}
            assert client.get(f"/{NAME}/nothing").status_code == 404
            metrics = client.get("/metrics").text
    finally:
        stop(process)
    assert f'{PACKAGE}_lookups_total{{outcome="found"}} 1.0' in metrics
    assert f'{PACKAGE}_lookups_total{{outcome="unknown"}} 1.0' in metrics
    log_lines = log.read_text().splitlines()
    assert [line for line in log_lines if f'"{NAME}.unknown"' in line and '"nothing"' in line]


def test_its_own_metric_is_on_its_dashboard_and_on_the_page_of_names(generated: Copy) -> None:
    dashboard = generated.root / f"platform/generated/{NAME}/dashboards/requests.json"
    assert f"{PACKAGE}_lookups_total" in dashboard.read_text()
    page = (generated.root / "docs/telemetry-reference.md").read_text()
    assert f"## Names of the service {NAME}" in page
    assert f"`{PACKAGE}_lookups_total`" in page


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("name", NAME, f'name: "{NAME}" is in the catalog already'),
        ("owner", "group:default/nobody", "Entity group:default/nobody not found"),
    ],
)
def test_the_template_refuses_invalid_answers_with_a_message(
    generated: Copy, name: str, value: str, message: str
) -> None:
    """The service that was made above is in the catalog of the copy."""
    answers = {**ANSWERS, "name": "another", name: value}
    done = subprocess.run(
        [
            *("node", BACKSTAGE / "scaffold.mjs", generated.root, generated.root / "refused"),
            *(f"{key}={text}" for key, text in answers.items()),
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert not (generated.root / "refused").exists()


def test_a_service_is_removed_without_a_trace(generated: Copy) -> None:
    """The last scenario: the copy is then as it was before the first."""
    for command in ("make remove-service", "make generate"):
        generated.run("bash", "-c", documented(PAGE, command))
    assert generated.status() == {}
    assert not (generated.root / "services" / NAME).exists()
    program = f"from importlib.util import find_spec; print(find_spec({PACKAGE!r}))"
    assert generated.python("python", "-c", program) == "None\n"


@pytest.mark.parametrize("name", ["", "ports", "nothing", "../ports"])
def test_only_a_service_of_the_template_is_removed(generated: Copy, name: str) -> None:
    done = subprocess.run(
        ["make", "remove-service", f"NAME={name}"],
        cwd=generated.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert f"NAME={name}: must be a service that make new-service made" in done.stderr
    assert (generated.root / "services/ports").is_dir()
