"""The components together: started at once, stopped in the order in which telemetry flows."""

import math
import shutil
import time
from types import TracebackType
from typing import Final, Self

from stack import components, grafana, prober
from stack.backend import Backend
from stack.components import Site
from stack.errors import StackError
from stack.podlogs import PodLog
from stack.process import POLL_SECONDS, Process
from stack.terminal import say

# Folder of the database that `make run STORE=postgresql` keeps.
POSTGRESQL: Final = "postgresql"
READY_SECONDS: Final = 120.0  # generous: a loaded machine is slow, a broken component ends


class Stack:
    """The platform and the service as local processes."""

    def __init__(
        self,
        site: Site,
        *,
        with_service: bool = True,
        with_grafana: bool = False,
        with_prober: bool = False,
    ) -> None:
        """Prepare the components of a site; nothing runs yet.

        Args:
            site: Where it lies.
            with_service: Run the service as well.
            with_grafana: Run Grafana as well, if it is available.
            with_prober: Probe the service from outside as well, if a prober is available.
        """
        self.site = site
        self.processes: dict[str, Process] = {}
        self._with_service = with_service
        self._with_grafana = with_grafana
        self._with_prober = with_prober
        self._log: PodLog | None = None

    def start(self) -> None:
        """Start everything and wait until it is ready.

        Raises:
            StackError: As soon as a component ends, with its log's tail; all others are stopped.
        """
        try:
            self._start()
            self._wait_ready()
        except BaseException:
            self.stop()
            raise

    def _wait_ready(self) -> None:
        waiting = list(self.processes.values())
        while waiting:
            self.check(READY_SECONDS)
            waiting = [p for p in waiting if p.name in self.processes and not p.is_ready()]
            time.sleep(POLL_SECONDS)

    def check(self, ready_within: float = math.inf) -> None:
        """Raise a StackError if a component that the stack needs ended, or is not ready in time.

        Args:
            ready_within: Seconds that each has from its start.
        """
        for process in list(self.processes.values()):
            try:
                process.check(ready_within)
            except StackError as error:
                self._go_on_without(process, error)

    def _go_on_without(self, process: Process, error: StackError) -> None:
        if process.needed:
            raise error
        say(f"{error}\nThe stack goes on without {process.name}.")
        self.processes.pop(process.name).stop()

    def stop(self) -> None:
        """Stop everything, senders before receivers."""
        for process in reversed(self.processes.values()):
            process.stop()
            if process.name == "ports" and self._log is not None:
                self._log.join()
        self.processes.clear()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def restart(self, name: str) -> None:
        """Start a stopped component again, and wait until it is ready."""
        if name == "ports":
            self._run_service()
        else:
            self.processes[name].start()
        self.processes[name].wait_ready(READY_SECONDS)

    def _start(self) -> None:
        site = self.site
        probers = self._probers()
        serve_metrics = (
            components.probed_prometheus_server if probers else components.prometheus_server
        )
        parts: list[Process] = [
            components.jaeger(site),
            components.loki(site),
            components.alertmanager(site),
            serve_metrics(site),
            components.gateway(site),
            components.agent(site),
        ]
        if (noting := components.last_alive(site)) is not None:
            parts.append(noting)
        if self._with_grafana:
            parts.append(grafana.grafana(site))
        self._run(*parts)
        if self._with_service:
            self._run_service()
        self._run(*probers)

    def _probers(self) -> list[Backend]:
        """Give the prober a program, before Prometheus expects one; none where that fails."""
        if not self._with_prober:
            return []
        found = prober.prober(self.site)
        try:
            found.prepare()
        except StackError as error:
            say(str(error))
            return []
        return [found]

    def _run_service(self) -> None:
        """Run the service into a log of its own: a pipe ends with the process that wrote it."""
        site = self.site
        self._log = PodLog(site.pods, "ports")
        self._run(
            components.service(site, self._log.writing_end, site.addresses.url("agent-otlp-http"))
        )
        self._log.start()

    def _run(self, *processes: Process) -> None:
        """Start processes once each has what it needs: a pull takes long, and none waits for it."""
        for process in processes:
            self.processes[process.name] = process
            try:
                process.prepare()
            except StackError as error:
                self._go_on_without(process, error)
        for process in processes:
            if process.name in self.processes:
                process.start()


def fresh(site: Site) -> Site:
    """Empty a site's data, all but a database, which outlives the stack."""
    site.data.mkdir(parents=True, exist_ok=True)
    for each in site.data.iterdir():
        if each.is_dir() and each.name != POSTGRESQL:
            shutil.rmtree(each, ignore_errors=True)
        elif not each.is_dir():
            each.unlink()
    return site


def wait_while_running(stack: Stack, poll_seconds: float = 1.0) -> None:
    """Return never; raise a StackError when a component ends.

    Raises:
        StackError: With the log's tail of the component that ended.
    """
    while True:
        stack.check()
        time.sleep(poll_seconds)
