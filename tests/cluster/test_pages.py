"""The commands of the pages that read or write objects, on the real API server."""

import re
from typing import Final

from stack.cluster import Cluster

from tests import terminal
from tests.cluster import charts
from tests.cluster.conftest import Bootstrap, terminal_environment
from tests.documentation import on_a_cluster

# kwok's nodes run no container; tests/node tests the rest.
OBJECTS: Final = re.compile(
    r"kubectl (--namespace \S+ )?(get (?!--raw)|describe |apply |create token ).*"
)


def test_the_commands_that_read_and_write_objects_succeed(
    platform: Bootstrap, cluster: Cluster
) -> None:
    found = [command for _, command in on_a_cluster() if OBJECTS.fullmatch(command)]
    assert len(found) > 8
    for command in found:
        printed = terminal.run(command, env=terminal_environment(cluster)).strip()
        print(f"  {command}: {len(printed.splitlines())} lines")
        assert printed
        # Stub charts have other labels than the Collectors of the upstream charts.
        if charts.ARE_REAL or "--namespace observability" not in command:
            assert not printed.startswith("No resources found"), command
