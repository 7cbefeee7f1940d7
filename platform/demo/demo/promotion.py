"""From one environment to the next: the promotion command, the merge, the verdict of the SLOs."""

import contextlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from promote import cli, verdict

from demo.errors import DemoError
from demo.repository import Clone

OVERRIDE: Final = "make demo-change does not wait until the error budgets have enough data"


@dataclass(frozen=True)
class Promotion:
    """Promotions of one service in the demo's clone.

    Attributes:
        clone: The demo's clone.
        service: The service.
        prometheus: URL of the Prometheus that knows the error budgets.
    """

    clone: Clone
    service: str
    prometheus: str

    def promote(self, source: str, target: str) -> str:
        """Promote an image and merge the branch, as a person merges its pull request.

        If the error budgets say no, the promotion is repeated with an override.

        Returns:
            What the gate of the error budgets said; empty if there was nothing to promote.

        Raises:
            DemoError: The promotion failed.
        """
        pattern, told = f"promote/{self.service}-{target}-*", ""
        # A branch that is there already was left by a run that ended.
        if not self.clone.unmerged(pattern):
            told = self._command(source, target)
        if branch := self.clone.unmerged(pattern):
            self.clone.merge(branch)
            return told or f"merged {branch}"
        return ""

    def judge(self, target: str) -> str:
        """Wait for the verdict of the SLOs, and return it; empty where no Rollout is on.

        Raises:
            DemoError: The version was rolled back or held; with what the SLOs said.
        """
        words = ("--root", str(self.clone.path), "--service", self.service)
        code, told = _captured(verdict.main, (*words, "--environment", target))
        if code != 0:
            raise DemoError(told)
        verdicts = [line for line in told.splitlines() if line.startswith("promoted in ")]
        return verdicts[0].partition(":")[0] if verdicts else ""

    def _command(self, source: str, target: str) -> str:
        words = (
            *("--root", str(self.clone.path), "--service", self.service),
            *("--from", source, "--to", target, "--prometheus", self.prometheus, "--push"),
        )
        code, told = _captured(cli.main, words)
        if code == 0:
            return "error budget is left"
        refused = [line for line in told.splitlines() if line.startswith("no ")]
        if not refused:
            raise DemoError(told)
        code, told = _captured(cli.main, (*words, "--override", OVERRIDE))
        if code != 0:
            raise DemoError(told)
        return f"OVERRIDE, since the gate said: {' '.join(refused[0].split())}"


def _captured(command: Callable[[Sequence[str]], int], words: Sequence[str]) -> tuple[int, str]:
    """Run a command's main function; return its exit code and all that it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        code = command(words)
    return code, printed.getvalue().strip()
