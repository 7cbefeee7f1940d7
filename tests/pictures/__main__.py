"""`make pictures`: draw docs/images from real programs, with made-up traffic.

The dashboards show the history of `history`, kept by a real Prometheus. The trace and its log lines
are of one request to the service over PostgreSQL, as Jaeger and Loki have them. The pages are the
service's own.

`make pictures PART=portal URL=http://127.0.0.1:7007` draws pages of a Backstage that runs there
with this repository's catalog. PART=jaeger, argocd and tilt do the same: no command here builds
these programs with their pages.
"""

import json
import os
import sys
from functools import partial
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psycopg
from stack import panels, postgresql
from stack.components import Site
from stack.stack import Stack
from stack.values import GENERATED

from tests import postgres
from tests.e2e.backends import Backends, eventually
from tests.pictures import history, trace
from tests.platform.slo.real import prometheus
from tests.service import free_port
from tests.support import browser, pictures

# A dashboard's file, its width, and how much of it is shown from the top, in pixels. It is narrow
# where nothing is cut off, so that the text can still be read on a page that shows it small.
DASHBOARDS = {
    "slo-overview": (GENERATED / "platform/dashboards/overview.json", 1600, 1000),
    "slo-availability": (GENERATED / "ports/dashboards/availability.json", 1216, 903),
    "requests": (GENERATED / "ports/dashboards/requests.json", 1216, 975),
}
PATH = "/ports?country=japan&q=naha"
# The least data of the request after all has arrived.
SPANS, LINES = 4, 2


def dashboards(folder: Path) -> list[str]:
    """Draw the dashboards over the history; return the pictures' names."""
    history.make(folder)
    jobs = []
    with prometheus(folder) as server:
        for name, (file, width, height) in DASHBOARDS.items():
            print(
                panels.draw(
                    server.url,
                    folder,
                    history.SHOWN_MINUTES,
                    history.SCRAPE_SECONDS,
                    files=(file,),
                    width=width - 16,
                    end=history.END,
                )
            )
            uid = json.loads(file.read_text())["uid"]
            jobs.append(job(f"{folder / uid}.png", f"{name}.webp", width, height=height))
    return shoot(folder, jobs)


def job(source: str, to: str, width: int, **more: object) -> dict[str, object]:
    """Return a job for shoot.mjs."""
    return {"from": source, "to": str(pictures.FOLDER / to), "width": width, **more}


def live(folder: Path) -> list[str]:
    """Run the stack over a database, draw a failed request and the pages, return their names.

    Another client locks the table of ports: the database answers, but not in time.
    """
    with postgresql.running(folder / "postgresql", free_port()) as server:
        database = postgres.ports(server.url)
        env = {"PORTS_STORE_URL": database, "PORTS_STATEMENT_SECONDS": "0.8"}
        with Stack(Site(folder / "stack", service_env=env)) as running:
            url = running.site.addresses.url("ports")
            backends = Backends(running.site.addresses)
            # Work that a process does once is not part of a usual request.
            for path in ("/ports?limit=5", "/ports/JPNAH", "/ports?q=osaka"):
                backends.http.get(url + path).raise_for_status()
            with psycopg.connect(database) as client:
                client.execute("LOCK TABLE port IN ACCESS EXCLUSIVE MODE")
                answer = backends.http.get(url + PATH)
            assert answer.status_code == httpx.codes.SERVICE_UNAVAILABLE, answer.text
            file = folder / "trace.html"
            file.write_text(signals(backends, answer.json()["trace_id"]))
            backends.http.close()
            pages = [
                job(file.as_uri(), "trace-and-logs.webp", 1200),
                job(f"{url}/", "landing-page.webp", 1280, height=1000),
                job(f"{url}/docs", "api-docs.webp", 1280, height=900),
            ]
            return shoot(folder, pages)


def site(name: str, folder: Path) -> list[str]:
    """Draw the pages of a program that runs at URL and asks for no password."""
    drawn = browser.node("sites.mjs", name, os.environ["URL"], folder)
    return shoot(
        folder, [job(file, f"{each}.webp", 1280, quality=0.7) for each, file in drawn.items()]
    )


def signals(backends: Backends, trace_id: str) -> str:
    """Return a page of a request's spans and log lines, once Jaeger and Loki have them."""
    jaeger = f"{backends.at.url('jaeger')}/api/traces/{trace_id}"
    query = f'{{service_name="ports"}} | trace_id = `{trace_id}`'

    def spans() -> list[trace.Span]:
        (found,) = backends.http.get(jaeger).raise_for_status().json()["data"]
        return trace.spans(found) if len(found["spans"]) >= SPANS else []

    def lines() -> list[dict[str, str]]:
        found = backends.logs(query)
        return sorted(found, key=itemgetter("observed_timestamp")) if len(found) >= LINES else []

    return trace.page(trace_id, eventually(spans), eventually(lines))


def shoot(folder: Path, jobs: list[dict[str, object]]) -> list[str]:
    """Draw, print how large the pictures are, and return their names."""
    file = folder / "jobs.json"
    file.write_text(json.dumps(jobs))
    pictures.FOLDER.mkdir(exist_ok=True)
    sizes = {Path(to).name: size for to, size in browser.node("shoot.mjs", file).items()}
    for name, size in sizes.items():
        print(f"{name}: {size / 1000:.0f} kB")
    return list(sizes)


SITES = ("portal", "jaeger", "argocd", "tilt")
BY_DEFAULT = {"live": live, "dashboards": dashboards}
PARTS = BY_DEFAULT | {name: partial(site, name) for name in SITES}


def main() -> int:
    """Draw the named parts, or those that start what they show, and record their sources."""
    for part in sys.argv[1:] or BY_DEFAULT:
        with TemporaryDirectory() as folder:
            Path(folder).chmod(0o755)  # PostgreSQL runs as a user of its own
            pictures.record(PARTS[part](Path(folder)))
    late = pictures.out_of_date()
    print(f"missing, too large or out of date: {late}" if late else "All pictures are up to date.")
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
