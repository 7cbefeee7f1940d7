"""Names and addresses that an organization changes to adopt the platform, in one file."""

from pathlib import Path
from urllib.parse import urlencode, urlsplit

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
    """The organization, its repository and registry, and the addresses of its tools and services.

    Attributes:
        addresses: Where a service is reached, by environment, in the order of promotion;
            `{service}` is the service's name.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    organisation: str
    repository: str
    registry: str
    urls: Urls
    addresses: dict[str, str] = {}

    @property
    def slug(self) -> str:
        """The repository's owner and name on its host, such as `example/ports-platform`."""
        return urlsplit(self.repository).path.strip("/")

    @property
    def repo_url(self) -> str:
        """The repository as Backstage's scaffolder writes it: `github.com?owner=acme&repo=sea`."""
        owner, _, name = self.slug.rpartition("/")
        query = urlencode({"owner": owner, "repo": name}, safe="/")
        return f"{urlsplit(self.repository).netloc}?{query}"

    @property
    def last_environment(self) -> str | None:
        """The environment that users see; None if no address is known."""
        return next(reversed(self.addresses), None)

    def address(self, service: str, environment: str) -> str:
        """Where a service of an environment is reached."""
        return self.addresses[environment].replace("{service}", service)

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
