"""What an organisation that adopts the platform changes: names and addresses, in one file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from slo.source import InvalidDeclarationError, read_documents

FILE = Path("platform/adopt.yaml")


class Urls(BaseModel):
    """Where people reach each tool, without a slash at the end."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    grafana: str
    prometheus: str
    alertmanager: str
    jaeger: str
    backstage: str


class Adoption(BaseModel):
    """The organisation, where its code and images live, and its tools' addresses."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    organisation: str
    repository: str
    registry: str
    urls: Urls

    def file_url(self, path: str) -> str:
        """Address of a file of the repository, as a person reads it."""
        return f"{self.repository}/blob/main/{path}"

    def dashboard_url(self, uid: str, environment: str, begin: str | None = None) -> str:
        """Address of a dashboard with its environment chosen.

        Args:
            uid: the dashboard's name.
            environment: the environment's name.
            begin: from when on it shows, in milliseconds of Unix time; by default its own range.
        """
        time = "" if begin is None else f"&from={begin}&to=now"
        return f"{self.urls.grafana}/d/{uid}?var-environment={environment}{time}"


def load_adoption(root: Path) -> Adoption:
    """Read `platform/adopt.yaml` of a repository.

    Raises:
        InvalidDeclarationError: the file lacks a field, or has one that is unknown.
    """
    (document,) = read_documents(root / FILE)
    try:
        return Adoption.model_validate(document.data)
    except ValidationError as error:
        problems = [document.problem(each["loc"], each["msg"]) for each in error.errors()]
        raise InvalidDeclarationError(problems) from error
