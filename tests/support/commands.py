"""Commands of a service that end by themselves: each is a fork of one process with the libraries.

To import Django and its neighbors takes most of a command's time, and the tests run about eighty
commands. The service's own modules, and all that reads the environment, are imported again in each
fork. Tests of a running service start it as `make run` does: see `tests/service.py`.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

# Answers each line of standard input, a command, with a line: the status that the command ended by.
_FORKS = """
import gc, json, os, runpy, sys
import django.core.handlers.wsgi, django.core.management, django.db.models
import ijson, psutil, psycopg_pool, pydantic.json_schema, structlog, tqdm, unittest.mock, wrapt
import opentelemetry.sdk.metrics.export, opentelemetry.sdk.resources, packaging.requirements
gc.freeze()  # a fork's collections would look at all of it, and copy the memory
for line in iter(sys.stdin.readline, ""):
    case = json.loads(line)
    pid = os.fork()
    if pid:
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
        continue
    for number, flags in (0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY):
        os.dup2(os.open(case["streams"][number], flags), number)
    sys.stdin = open(0)
    os.chdir(case["cwd"])
    os.environ.clear()
    os.environ.update(case["env"])
    module, *sys.argv = case["command"]
    if module == "-m":
        sys.path.insert(0, os.getcwd())
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, os.path.dirname(os.path.abspath(module)))
        sys.argv.insert(0, module)
        runpy.run_path(module, run_name="__main__")
    sys.exit()
"""


@functools.cache
def _forking() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _FORKS],
        # A module that reads settings of Django would keep them for all commands.
        env={name: text for name, text in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def run(
    command: Sequence[str], *, cwd: Path, env: Mapping[str, str], stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run a Python program to its end.

    Args:
        command: A script in the folder, or `-m` and a module, then its arguments.
        cwd: Its folder.
        env: Its whole environment.
        stdin: What it reads.
    """
    forking = _forking()
    assert forking.stdin is not None
    assert forking.stdout is not None
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder, name) for name in ("stdin", "stdout", "stderr")]
        for stream, content in zip(streams, (stdin, b"", b""), strict=True):
            stream.write_bytes(content)
        case = {
            "command": list(command),
            "cwd": str(cwd),
            "env": dict(env),
            "streams": [str(stream) for stream in streams],
        }
        print(json.dumps(case), file=forking.stdin, flush=True)
        try:
            status = forking.stdout.readline()
        except BaseException:  # the test's timeout: the next command would get this one's answer
            forking.kill()
            _forking.cache_clear()
            raise
        return subprocess.CompletedProcess(
            command, int(status), streams[1].read_bytes(), streams[2].read_bytes()
        )
