"""`manage.py settings_table`: the service's environment variables as a page of Markdown."""

from typing import Any

from django.core.management.base import BaseCommand

from seaports import settings
from seaports.settings import Environment

_PAGE = """\
# Configuration of {service}

Environment variables, as `service.environment` and `seaports/settings.py` declare them; written
by `make generate`. An empty value counts as unset. `OTEL_*` are read as OpenTelemetry documents
them. The telemetry package reads `LOG_LEVEL`, `LOG_FORMAT` (`json`, `console`) and `TELEMETRY_FAST`
(`true`, `false`: whether the accelerator is used). A wrong value stops the start with one line that
names it.

| variable | default | allowed | meaning |
| --- | --- | --- | --- |
{rows}
"""


class Command(BaseCommand):
    """Print the table of the service's environment variables."""

    help = __doc__ or ""
    requires_system_checks = ()

    def handle(self, *_args: object, **_options: object) -> None:
        """Print the page."""
        schema = Environment.model_json_schema()["properties"]
        rows = []
        for name, field in Environment.variables().items():
            rule = {**schema[name], **next(iter(schema[name].get("anyOf", [{}])))}
            rows.append(f"| `{name}` | {_default(name)} | {_allowed(rule)} | {field.description} |")
        self.stdout.write(_PAGE.format(service=settings.SERVICE, rows="\n".join(rows)), ending="")


def _allowed(rule: dict[str, Any]) -> str:
    if rule["type"] == "boolean":
        return "true, false"
    if "minimum" in rule:
        return f"{rule['minimum']} to {rule['maximum']}"
    return f"{rule['minLength']} to {rule['maxLength']} characters" if "minLength" in rule else ""


def _default(name: str) -> str:
    default = Environment.variables()[name].default
    if default is None:
        return "unset"
    if name == "PORTS_DATA_FILE":
        return f"`{default.relative_to(settings.SERVICE_FOLDER)}`"
    if name == "PORTS_STORE_URL":
        return f"`{settings.MEMORY_URL}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
