"""A git repository as an adopter has it: this checkout's files, at an address of its own."""

from pathlib import Path
from typing import Final

from promote.environment import digest_in, with_digest

from tests import checkout
from tests.cluster import charts
from tests.cluster.programs import run

ENVIRONMENTS: Final = Path("platform/argocd/environments")


class Repository:
    """The repository that Argo CD follows; its main branch is checked out at `path`."""

    def __init__(self, path: Path) -> None:
        """Copy what git tracks, put the upstream charts or stand-ins beside it, and commit."""
        self.path = path
        self.url = path.as_uri()
        checkout.copy_to(path)
        self.stand_ins = list(charts.put_into(path / "platform"))
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")
        self.replace(
            "platform/adopt.yaml",
            "repository: https://github.com/example/ports-platform",
            f"repository: {self.url}",
        )
        # No traffic reaches the pods, so that each new version would be held: tests/rollouts.
        self.replace(str(self.environment("prod")), "rollout:\n  enabled: true\n", "")
        self.commit("Adopt the platform")

    def clone(self, path: Path) -> Path:
        """Give a person a clone to work in, and return where it lies."""
        identity = ("--config=user.name=Person", "--config=user.email=person@example.com")
        run("git", "clone", "--quiet", *identity, self.url, str(path))
        return path

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        return run("git", *arguments, cwd=self.path).strip()

    def commit(self, message: str) -> str:
        """Commit whatever changed to main, and return the commit."""
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)
        return self.head()

    def head(self) -> str:
        """Return main's last commit."""
        return self.git("rev-parse", "main")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that a file must hold."""
        text = (self.path / name).read_text()
        assert old in text, f"{name} has no {old!r}"
        (self.path / name).write_text(text.replace(old, new))

    def environment(self, environment: str) -> Path:
        """Path of the file that says what ports runs in an environment."""
        return self.path / ENVIRONMENTS / environment / "ports.yaml"

    def digest(self, environment: str) -> str:
        """Digest that ports runs in an environment."""
        file = self.environment(environment)
        return digest_in(file.read_text(), file)

    def set_digest(self, environment: str, digest: str) -> str:
        """Commit another digest, as the pipeline does when it has published an image."""
        file = self.environment(environment)
        file.write_text(with_digest(file.read_text(), digest, file))
        return self.commit(f"Deploy {digest[:14]} to {environment}")

    def remove_digests(self, *environments: str) -> str:
        """Commit files of environments without an image, as they are before the first release."""
        for environment in environments:
            line = f"image:\n  digest: {self.digest(environment)}\n"
            self.replace(str(self.environment(environment)), line, "")
        return self.commit(f"Take the image out of {' and '.join(environments)}")
