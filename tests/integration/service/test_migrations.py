"""Each service's migrations leave the release before them working: it serves during the update."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres
from tests.service import ROOT, environment

MIGRATIONS = sorted(
    folder.relative_to(ROOT)
    for folder in (ROOT / "services").rglob("migrations")
    if (folder / "0001_initial.py").is_file()
)
LINT = """
import sys
import django
django.setup()
from django_migration_linter import MigrationLinter
linter = MigrationLinter(
    ignore_name_contains="_contract", all_warnings_as_errors=True, no_cache=True
)
linter.lint_all_migrations()
sys.exit(linter.has_errors)
"""
MORE = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("ports", "0001_initial")]
    operations = [migrations.{operation}]
"""


def lint(service: Path, url: str) -> subprocess.CompletedProcess[str]:
    """Run the linter in a service's folder, on PostgreSQL's own statements."""
    name = service.name
    prefix = name.upper().replace("-", "_")
    (settings,) = service.glob("*/settings.py")
    variables = {
        f"{prefix}_STORE_URL": url,
        "DJANGO_SETTINGS_MODULE": f"{settings.parent.name}.settings",
        "PYTHONPATH": str(service),
    }
    return subprocess.run(
        [sys.executable, "-c", LINT],
        cwd=service,
        env=environment(name, **variables),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def url(postgres_server: str) -> str:
    """Return the URL of an empty database."""
    return postgres.new_database(postgres_server, "ports_migrations")


@pytest.mark.parametrize("folder", MIGRATIONS, ids=str)
def test_migrations_of_a_service_are_compatible(folder: Path, url: str) -> None:
    done = lint(ROOT / "services" / folder.parts[1], url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0001_initial)... OK" in done.stdout


@pytest.mark.parametrize(
    ("name", "operation", "status", "said"),
    [
        ("0002_drop", 'RemoveField("PortRow", "country")', 1, "DROPPING"),
        ("0002_rename", 'RenameField("PortRow", "country", "state")', 1, "RENAMING"),
        (
            "0002_more",
            'AddField("PortRow", "harbor", models.TextField(), preserve_default=True)',
            1,
            "NOT NULL",
        ),
        (
            "0002_index",
            'AddIndex("PortRow", models.Index(fields=["name"], name="port_name"))',
            1,
            "CREATE INDEX",
        ),
        ("0002_null", 'AddField("PortRow", "harbor", models.TextField(null=True))', 0, "OK"),
        ("0002_contract_country", 'RemoveField("PortRow", "country")', 0, "IGNORE"),
    ],
)
def test_a_migration_that_breaks_the_release_before_it_is_refused(
    name: str, operation: str, status: int, said: str, url: str, tmp_path: Path
) -> None:
    service = tmp_path / "ports"
    shutil.copytree(ROOT / "services/ports", service, ignore=shutil.ignore_patterns("data"))
    (folder,) = service.rglob("migrations")
    (folder / f"{name}.py").write_text(MORE.format(operation=operation))
    done = lint(service, url)
    assert done.returncode == status, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.split("(") if line.startswith(f"ports, {name}")]
    assert said in line
