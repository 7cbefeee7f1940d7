"""Git, as far as a promotion needs it."""

import subprocess
import tempfile
from pathlib import Path

from promote.errors import PromotionError


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it printed.

    Raises:
        PromotionError: with git's own words, if it failed.
    """
    done = subprocess.run(  # noqa: S603 - arguments are separate words, and no shell reads them
        ["git", *arguments],  # noqa: S607 - whichever git the person uses
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise PromotionError(f"git {' '.join(arguments[:2])}: {done.stderr.strip()}")
    return done.stdout


def read(root: Path, base: str, path: Path) -> str:
    """Content of a file at a revision.

    Raises:
        PromotionError: there is none.
    """
    return git(root, "show", f"{base}:{path.as_posix()}")


def commit_in_branch(
    root: Path, base: str, branch: str, path: Path, content: str, message: str
) -> str:
    """Commit one changed file on a new branch, and return the commit's diff.

    The work happens in a worktree of its own: the person's checkout stays as it is.

    Raises:
        PromotionError: the branch exists, or git fails otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="promote-") as scratch:
        tree = Path(scratch, "tree")
        git(root, "worktree", "add", "--quiet", "-b", branch, str(tree), base)
        try:
            (tree / path).write_text(content)
            git(tree, "commit", "--quiet", "--message", message, "--", path.as_posix())
            return git(tree, "show", "--format=", "--patch", "HEAD")
        except BaseException:
            git(root, "worktree", "remove", "--force", str(tree))
            git(root, "branch", "--quiet", "-D", branch)
            raise
        finally:
            if tree.exists():
                git(root, "worktree", "remove", "--force", str(tree))
