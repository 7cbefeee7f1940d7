import json
from pathlib import Path

import pytest
from stack.chaos import FAULTS, inject
from stack.errors import StackError


@pytest.mark.parametrize("fault", ["errors", "latency", "db-down"])
def test_a_fault_is_written_whole_and_taken_away_again(tmp_path: Path, fault: str) -> None:
    file = tmp_path / "fault.json"
    assert inject(file, fault, 0.2).startswith(f"20% of the requests to /ports: {fault}.")
    assert json.loads(file.read_text()) == {"fault": fault, "share": 0.2}
    assert inject(file, "off", 1) == "No fault any more."
    assert list(tmp_path.iterdir()) == []
    assert fault in FAULTS


def test_without_a_stack_there_is_nothing_to_break(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="run `make stack`"):
        inject(tmp_path / "none" / "fault.json", "errors", 1)


def test_a_share_is_a_share(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"share 1\.5 is not between 0 and 1"):
        inject(tmp_path / "fault.json", "errors", 1.5)
