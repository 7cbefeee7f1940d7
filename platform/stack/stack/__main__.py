"""Run the service and the observability backends on this machine, on default ports.

`make stack`, `make run-jaeger`, `make chaos` and `make panels` call these commands.
"""

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from stack import chaos, components, panels, postgresql, prober
from stack.addresses import HOST, WELL_KNOWN, Addresses
from stack.backend import Backend
from stack.components import Site
from stack.engine import ENGINES, Engine
from stack.errors import StackError
from stack.grafana import HOW_TO_GET
from stack.process import Process
from stack.stack import POSTGRESQL, READY_SECONDS, Stack, fresh, wait_while_running
from stack.terminal import say
from stack.values import ROOT
from stack.ways import images_first

DATA = ROOT / ".stack"
# The page that a person opens first; a Go build has no web pages, so its API.
PAGES = {
    "ports": "/docs",
    "prometheus": "/query",
    "jaeger": "/search",
    "loki": "/loki/api/v1/labels",
}
APIS = {"prometheus": "/api/v1/alerts", "jaeger": "/api/services"}


def emptied(*names: str) -> Site:
    """Return a site with empty data whose default ports are free.

    Its backends run from their images if a container engine answers.

    Raises:
        StackError: A port is taken. The data is kept, because another stack may use it.
    """
    engine = Engine.find()
    if engine is None:
        say(f"No container engine answers ({', '.join(ENGINES)}): backends run without images.")
    else:
        if engine.virtual:
            say(f"{engine.program} uses a virtual machine: containers publish ports on {HOST}.")
        if leftovers := engine.remove_leftovers(DATA):
            say(f"Removed containers of a stack that was killed: {' '.join(leftovers)}")
    addresses = Addresses(well_known=True)
    for name in names:
        addresses.port(name)
    return fresh(Site(DATA, addresses, ways=images_first(engine)))


def address(site: Site, name: str, way: str) -> str:
    """Return the address of a component's first page."""
    if name not in WELL_KNOWN:
        return "-"
    pages = PAGES | APIS if way == "built" else PAGES
    return site.addresses.url(name) + pages.get(name, "")


def way_of(process: Process) -> str:
    """Return in one word where a component's program comes from."""
    return process.way if isinstance(process, Backend) else "checkout"


def up() -> None:
    """Run everything until Ctrl-C."""
    site = emptied(*WELL_KNOWN)
    start = time.monotonic()
    with Stack(site, with_grafana=True, with_prober=True) as stack:
        say(f"{'component':<13} {'from':<8} {'ready after':>11}  address")
        for name, process in stack.processes.items():
            way = way_of(process)
            url = address(site, name, way)
            say(f"{name:<13} {way:<8} {process.ready_seconds or 0:9.1f} s  {url}")
        if "grafana" not in stack.processes:
            say(HOW_TO_GET)
        if "prober" not in stack.processes:
            say(prober.how_to_get())
        say_without_pages(*stack.processes.values())
        say(f"\nAll ready in {time.monotonic() - start:.1f} s. Data in .stack/. Ctrl-C stops.")
        wait_while_running(stack)


def say_without_pages(*processes: Process) -> None:
    """Name the components that have no web pages, because Go built them."""
    names = [p.name for p in processes if p.name in APIS and way_of(p) == "built"]
    if names:
        say(f"Built with Go, so without web pages: {', '.join(names)}. The APIs are complete.")


def jaeger() -> None:
    """Run Jaeger and a service that sends its traces to Jaeger, until Ctrl-C."""
    site = emptied("jaeger", "ports")
    process = components.jaeger(site)
    service = components.service(site, sys.stdout.fileno(), site.addresses.url("jaeger-otlp-http"))
    try:
        process.start()
        process.wait_ready(READY_SECONDS)
        say(f"jaeger  ready  {address(site, 'jaeger', process.way)}  (from: {process.way})")
        say_without_pages(process)
        service.start()
        service.wait_ready(READY_SECONDS)
        say(f"ports   ready  {site.addresses.url('ports')}  (Ctrl-C stops)")
        while True:
            process.check()
            service.check()
            time.sleep(1)
    finally:
        service.stop()
        process.stop()


def over_postgresql(name: str = "ports") -> None:
    """Run a database in .stack/ and a service that uses it, until Ctrl-C."""
    folder, place = DATA / POSTGRESQL / name, ROOT / "services" / name
    with postgresql.running(folder, Addresses().free_port()) as server:
        say(f"postgresql  ready  {HOST}:{server.port}  (data in {folder})")
        prefix = name.upper().replace("-", "_")
        env = {**os.environ, f"{prefix}_STORE_URL": server.url}
        manage(place, env, "migrate", "--verbosity=0")
        # Written last: an import that was interrupted is done again.
        if name == "ports" and not (imported := folder / "imported").exists():
            manage(place, env, "import_ports", "data/ports.json")
            imported.touch()
        service = subprocess.Popen(components.SERVE, cwd=place, env=env)  # noqa: S603
        try:
            code = service.wait()
        finally:
            # The database is stopped last. A second signal does not wait any longer.
            service.terminate()
            service.wait()
    if code:
        raise StackError(f"gunicorn ended with exit code {code}")


def manage(place: Path, env: Mapping[str, str], *command: str) -> None:
    """Run a command of the service in a folder.

    Raises:
        StackError: If it fails.
    """
    words = [sys.executable, "manage.py", *command]
    if code := subprocess.run(words, cwd=place, env=env, check=False).returncode:  # noqa: S603
        raise StackError(f"manage.py {command[0]} ended with exit code {code}")


def main() -> int:
    """Parse, run, and turn a failure into one message."""
    parser = argparse.ArgumentParser(prog="stack", description=__doc__)
    commands = parser.add_subparsers(dest="what", required=True)
    commands.add_parser("up", help="run everything until Ctrl-C")
    commands.add_parser("jaeger", help="run only Jaeger and the service until Ctrl-C")
    over = commands.add_parser("postgresql", help="run PostgreSQL and a service until Ctrl-C")
    over.add_argument("--service", default="ports", help="folder in services/ (default: ports)")
    drawn = commands.add_parser("panels", help="save the running stack's dashboards as PNG files")
    drawn.add_argument(
        "--minutes", type=float, default=15.0, help="minutes that the dashboards show (default: 15)"
    )
    faults = commands.add_parser("chaos", help="inject a fault into the running stack's service")
    faults.add_argument("fault", choices=chaos.FAULTS, help="off ends the fault")
    faults.add_argument(
        "--share", type=float, default=1.0, help="share of the requests, 0 to 1 (default: 1)"
    )
    arguments = parser.parse_args()
    # SIGINT may be ignored where a script began it; a terminal that closes sends SIGHUP.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        if arguments.what == "chaos":
            say(chaos.inject(Site(DATA).fault, arguments.fault, arguments.share))
        elif arguments.what == "panels":
            url = f"http://{HOST}:{WELL_KNOWN['prometheus']}"
            say(panels.draw(url, DATA / "panels", arguments.minutes, panels.SCRAPE_SECONDS).strip())
        elif arguments.what == "postgresql":
            over_postgresql(arguments.service)
        else:
            {"up": up, "jaeger": jaeger}[arguments.what]()
    except StackError as error:
        print(f"\nstack: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        say("\nstopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
