"""The demo's clone: the person's commits, and commits about the demo's cluster on top.

The person's working tree and branches stay as they are.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from promote.environment import digest_in, path_of, with_digest
from promote.errors import PromotionError
from promote.repository import git

from demo.errors import DemoError
from demo.hosts import Hosts

OVERLAY: Final = Path("platform/adopt-demo.yaml")
_OVERLAY: Final = """\
# Differences from platform/adopt.yaml in the demo's cluster. `make demo` commits this file.
repository: {git}
registry: {registry}
urls:
  grafana: http://localhost:3000
  prometheus: http://localhost:9090
  alertmanager: http://localhost:9093
  jaeger: http://localhost:16686
platform:
  kyverno: null # Kyverno refuses the demo's images in prod: no workflow signs them
"""


def overlay(hosts: Hosts) -> str:
    """Return the values that differ from platform/adopt.yaml in a cluster with these hosts."""
    return _OVERLAY.format(git=hosts.git, registry=hosts.registry)


@dataclass(frozen=True)
class Clone:
    """A clone of the person's repository, whose branch main goes to the git host."""

    path: Path

    @classmethod
    def of(cls, checkout: Path, path: Path) -> "Clone":
        """Return the clone at a path, which is made of the checkout's last commit if need be."""
        clone = cls(path)
        if not path.exists():
            _git(checkout, "clone", "--quiet", "--no-tags", str(checkout), str(path))
            clone.git("switch", "--quiet", "--force-create", "main", "HEAD")
            clone.git("config", "user.name", "make demo")
            clone.git("config", "user.email", "demo@localhost")
            clone.git("config", "commit.gpgsign", "false")
        return clone

    def git(self, *arguments: str) -> str:
        """Run git in the clone and return what it printed.

        Raises:
            DemoError: With git's own words, if it failed.
        """
        return _git(self.path, *arguments)

    def head(self, revision: str = "main") -> str:
        """Return a revision's commit."""
        return self.git("rev-parse", f"{revision}^{{commit}}").strip()

    def take(self, source: str, revision: str) -> bool:
        """Merge the commits of another repository, and return whether any commit was new.

        Args:
            source: Path or URL of the repository.
            revision: The branch or commit there.

        Raises:
            DemoError: They do not merge.
        """
        self.git("fetch", "--quiet", "--no-tags", source, revision)
        before = self.head()
        try:
            self.git("merge", "--quiet", "--no-edit", "FETCH_HEAD")
        except DemoError:
            self.git("merge", "--abort")
            raise
        return self.head() != before

    def follow(self, url: str) -> None:
        """Make a URL the remote `origin`, and merge what others have pushed there."""
        self.git("remote", "set-url", "origin", url)
        if self.git("ls-remote", "origin", "refs/heads/main"):
            self.take("origin", "main")

    def write(self, path: Path, text: str, message: str) -> bool:
        """Commit a file's content, and return whether it is new or different."""
        file = self.path / path
        if file.exists() and file.read_text() == text:
            return False
        file.write_text(text)
        self.git("add", "--", str(path))
        self.git("commit", "--quiet", "--message", message, "--", str(path))
        return True

    def point_at(self, hosts: Hosts) -> bool:
        """Commit the overlay with the addresses of these hosts, as the cluster reaches them."""
        return self.write(OVERLAY, overlay(hosts), "Point the platform at the demo's cluster")

    def deploy(self, service: str, environment: str, digest: str) -> bool:
        """Commit the image of an environment, as the release's pull request does."""
        path = path_of(service, environment)
        text = with_digest((self.path / path).read_text(), digest, path)
        return self.write(path, text, f"Deploy {service} {digest[:19]} to {environment}")

    def digest(self, service: str, environment: str) -> str:
        """Return the digest of a service that git has for an environment.

        Raises:
            DemoError: It has none.
        """
        path = path_of(service, environment)
        try:
            return digest_in((self.path / path).read_text(), path)
        except PromotionError as error:
            raise DemoError(str(error)) from error

    def push(self) -> bool:
        """Push main, and return whether the git host had another commit."""
        there = self.git("ls-remote", "origin", "refs/heads/main").split()
        if there[:1] == [self.head()]:
            return False
        self.git("push", "--quiet", "origin", "main")
        return True

    def unmerged(self, pattern: str) -> str:
        """Return the name of a branch with commits that main does not have; empty if none."""
        found = self.git(
            "branch", "--format=%(refname:short)", "--no-merged=main", "--list", pattern
        )
        return found.split("\n", 1)[0]

    def merge(self, branch: str) -> None:
        """Merge a branch, as a person merges its pull request, and push main."""
        self.git("merge", "--quiet", "--no-ff", "--message", f"Merge {branch}", branch)
        self.push()


def _git(folder: Path, *arguments: str) -> str:
    try:
        return git(folder, *arguments)
    except PromotionError as error:
        raise DemoError(str(error)) from error
