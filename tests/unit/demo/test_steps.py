"""A step says what it did and how long it took; a failed one says what to do."""

import re

import pytest
from demo.errors import DemoError
from demo.programs import need, run
from demo.steps import Steps


def test_each_step_prints_its_seconds_and_whether_it_changed_anything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = Steps()
    with steps.step("cluster", "start docker") as step:
        step.note = "kind-ports-demo"
    before = steps.is_changed
    with steps.step("image", "see make build") as step:
        step.is_changed = True
    assert (before, steps.is_changed) == (False, True)
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r" +\d\.\d s   unchanged  cluster: kind-ports-demo", lines[0])
    assert re.fullmatch(r" +\d\.\d s   changed    image", lines[1])


def test_a_terminal_shows_the_step_that_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with Steps().step("cluster", ""):
        assert capsys.readouterr().out.endswith("running    cluster\r")


def test_a_failed_step_ends_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    steps = Steps()
    with (
        pytest.raises(DemoError, match=r"cluster: no engine\n  What to do: start docker"),
        steps.step("cluster", "start docker"),
    ):
        raise DemoError("no engine")
    assert "failed     cluster" in capsys.readouterr().out
    assert steps.done == []


def test_a_program_that_fails_is_told_with_the_end_of_its_output() -> None:
    assert run("sh", "-c", 'cat; printf "$GIVEN"', stdin="a", env={"GIVEN": "b"}) == "ab"
    with pytest.raises(
        DemoError, match=r"sh -c .* \(exit code 3\)\n    line 30\n(?s:.*)\n    wrong"
    ) as e:
        run("sh", "-c", "for n in $(seq 40); do echo line $n; done; echo wrong >&2; exit 3")
    assert "line 29" not in str(e.value)
    with pytest.raises(DemoError, match="no-such-program is missing: install it"):
        run("no-such-program")
    need("sh")
    with pytest.raises(DemoError, match="no-such-program: not on the PATH"):
        need("sh", "no-such-program")
