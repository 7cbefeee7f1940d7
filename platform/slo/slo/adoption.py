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

    def dashboard_url(self, uid: str, environment: str) -> str:
        """Address of a dashboard with its environment chosen."""
        return f"{self.urls.grafana}/d/{uid}?var-environment={environment}"


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
