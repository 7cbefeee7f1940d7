"""Users of the ports service, as many as the stage of the day wants.

Headless it prints Locust's table and exits with 1 when a request failed that should not have.
With `--web` (make load WEB=1) the stages are left to whoever sits before the page.
"""

import os
import random
from typing import ClassVar, Final

from locust import FastHttpUser, LoadTestShape, constant_throughput, task

# Seconds and users: a quiet start, the day, a peak, the evening.
STAGES: Final = ((0.2, 5), (0.5, 20), (0.2, 40), (0.1, 5))
SECONDS: Final = float(os.environ.get("LOAD_SECONDS", "60"))
SEARCHES: Final = ("san", "port", "rot", "ham", "new", "sou", "al", "is")
PAGE: Final = 100


class Browser(FastHttpUser):
    """Looks ports up by id, mostly; lists, searches, and now and then mistypes."""

    wait_time = constant_throughput(2)
    ids: ClassVar[list[str]] = []

    def on_start(self) -> None:
        """Learn the ids that there are, once for all users."""
        if not Browser.ids:
            answer = self.client.get("/ports?limit=1000", name="/ports?limit=1000")
            Browser.ids = [port["id"] for port in answer.json()["items"]]

    @task(60)
    def port(self) -> None:
        """Get one port."""
        self.client.get(f"/ports/{random.choice(self.ids)}", name="/ports/{id}")  # noqa: S311

    @task(10)
    def unchanged_port(self) -> None:
        """Get a port that is known already: 304."""
        path = f"/ports/{self.ids[0]}"
        etag = self.client.get(path, name="/ports/{id}").headers["ETag"]
        self.client.get(path, name="/ports/{id} (304)", headers={"If-None-Match": etag})

    @task(15)
    def page(self) -> None:
        """List two pages."""
        answer = self.client.get(f"/ports?limit={PAGE}", name="/ports?limit=100").json()
        if cursor := answer.get("next"):
            self.client.get(f"/ports?limit={PAGE}&cursor={cursor}", name="/ports?cursor")

    @task(10)
    def search(self) -> None:
        """Search by name."""
        text = random.choice(SEARCHES)  # noqa: S311
        self.client.get(f"/ports?q={text}", name="/ports?q")

    @task(4)
    def unknown_port(self) -> None:
        """Ask for a port that does not exist: 404 is right."""
        with self.client.get("/ports/XXXXX", name="404", catch_response=True) as answer:
            if answer.status_code == 404:
                answer.success()

    @task(1)
    def everything(self) -> None:
        """Stream the whole set."""
        headers = {"Accept": "application/x-ndjson"}
        self.client.get("/ports", name="/ports (ndjson)", headers=headers)


if not os.environ.get("LOAD_WEB"):

    class Day(LoadTestShape):
        """The stages, one after the other."""

        def tick(self) -> tuple[int, float] | None:
            """Users wanted now, and how many to start a second; None at the end."""
            left = self.get_run_time()
            for share, users in STAGES:
                left -= share * SECONDS
                if left < 0:
                    return users, users
            return None
