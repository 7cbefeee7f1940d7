"""`manage.py settings_table`: the service's environment variables as a page of Markdown."""

import inspect
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from pydantic import SecretStr

_PAGE = """\
# Configuration of {service}

Environment variables, as `service.environment` and `{module}` declare them; written by
`make generate`. An empty value counts as unset. `OTEL_*` are read as OpenTelemetry documents
them. The package telemetry reads `LOG_LEVEL`, `LOG_FORMAT` (`json`, `console`) and `TELEMETRY_FAST`
(`true`, `false`: whether the accelerator is used). A wrong value, or a name that begins as the
service's own and is none of them, stops the start with one line that names it.

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
        declared = type(settings.ENVIRONMENT)
        file = Path(inspect.getfile(declared))
        folder = file.parent.parent
        schema = declared.model_json_schema()["properties"]
        rows = []
        for name, field in declared.variables().items():
            rule = {**schema[name], **next(iter(schema[name].get("anyOf", [{}])))}
            default = _shown(field.default, folder)
            rows.append(f"| `{name}` | {default} | {_allowed(rule)} | {field.description} |")
        page = _PAGE.format(
            service=settings.SERVICE, module=file.relative_to(folder), rows="\n".join(rows)
        )
        self.stdout.write(page, ending="")


def _allowed(rule: dict[str, Any]) -> str:
    if rule["type"] == "boolean":
        return "true, false"
    if "minimum" in rule:
        return f"{rule['minimum']} to {rule['maximum']}"
    return f"{rule['minLength']} to {rule['maxLength']} characters" if "minLength" in rule else ""


def _shown(default: object, folder: Path) -> str:
    if default is None:
        return "unset"
    if isinstance(default, SecretStr):  # a default is no secret
        default = default.get_secret_value()
    if isinstance(default, Path) and default.is_relative_to(folder):
        default = default.relative_to(folder)
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
