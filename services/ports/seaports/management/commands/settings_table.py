"""`manage.py settings_table`: the service's environment variables as a page of Markdown."""

from django.core.management.base import BaseCommand

from seaports import settings
from seaports.settings import Environment

_PAGE = """\
# Configuration of {service}

Environment variables, as `telemetry.environment` and `seaports/settings.py` declare them; written
by `make generate`. An empty value counts as unset. `OTEL_*` are read as OpenTelemetry documents
them. The telemetry package reads `LOG_LEVEL`, `LOG_FORMAT` (`json`, `console`) and `TELEMETRY_FAST`
(`false` leaves the accelerator out). A wrong value stops the start with one line that names it.

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
            least = rule.get("minimum", rule.get("exclusiveMinimum"))
            bounds = [least, rule.get("maximum")]
            if "minLength" in rule:
                bounds = [rule["minLength"], rule["maxLength"]]
            allowed = "" if bounds == [None, None] else f"{bounds[0]} to {bounds[1]}"
            if "minLength" in rule:
                allowed += " characters"
            rows.append(f"| `{name}` | {_default(name)} | {allowed} | {field.description} |")
        self.stdout.write(_PAGE.format(service=settings.SERVICE, rows="\n".join(rows)), ending="")


def _default(name: str) -> str:
    default = Environment.variables()[name].default
    if default is None:
        return "unset"
    if name == "PORTS_DATA_FILE":
        return f"`{default.relative_to(settings.SERVICE_FOLDER)}`"
    if name == "PORTS_STORE_URL":
        return f"`{settings.MEMORY_URL}`"
    return f"`{default}`"
