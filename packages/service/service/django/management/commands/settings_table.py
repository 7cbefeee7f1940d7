"""`manage.py settings_table`: the service's environment variables as a page of Markdown."""

import inspect
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from pydantic import SecretStr

_PAGE = """\
# Configuration of {service}

The service reads these environment variables. `make generate` writes this page from
`service.environment` and `{module}`.

An empty value counts as unset. An invalid value stops the start with one line, for example
`{prefix}THREADS=0: must be a whole number between 1 and 256 (threads per worker)`. An unknown name
that begins with `{prefix}` stops the start too.

The package telemetry reads more variables: `LOG_LEVEL`, `LOG_FORMAT` (`json` or `console`),
`TELEMETRY_FAST` (`false` switches the accelerator off) and the `OTEL_*` variables, which have the
meaning that OpenTelemetry documents.

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
            service=settings.SERVICE,
            module=file.relative_to(folder),
            prefix=declared.prefix(),
            rows="\n".join(rows),
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
