"""The states of an alert: in Prometheus, and at the receiver."""

import time
from dataclasses import dataclass
from typing import Any

import httpx

from tests.e2e.backends import Backends, eventually
from tests.e2e.inbox import Inbox
from tests.gameday.timeline import Timeline


@dataclass
class Told:
    """An alert that fired and was notified.

    Attributes:
        fired: When Prometheus found it firing, in seconds of Unix time.
        notified: When the receiver was told.
        alert: As it arrived, with `labels` and `annotations`.
    """

    fired: float
    notified: float
    alert: dict[str, Any]


@dataclass
class Watch:
    """Follows alerts of one scenario and marks its timeline."""

    backends: Backends
    inbox: Inbox
    timeline: Timeline

    def fires(self, name: str, receiver: str, since: float, seconds: float) -> Told:
        """Wait until an alert fires and its receiver is told, in so many seconds each."""
        fired = eventually(lambda: self._moments(name, "firing", since), seconds)[0]
        pending = self._moments(name, "pending", since)
        self.timeline.mark(f"{name} pending", pending[0] if pending else fired)
        self.timeline.mark(f"{name} firing", fired)
        at, alert = eventually(lambda: self._notified(name, receiver, "firing", since), seconds)
        self.timeline.mark(f"receiver {receiver} got {name}", at)
        return Told(fired, at, alert)

    def resolves(self, name: str, receiver: str, since: float, seconds: float) -> None:
        """Wait until an alert fires no more and its receiver is told, in so many seconds each."""

        def over() -> bool:
            query = f'ALERTS{{alertname="{name}",alertstate="firing"}}'
            return not self.backends.series(query)

        eventually(over, seconds)
        self.timeline.mark(f"{name} resolved")
        at, _ = eventually(lambda: self._notified(name, receiver, "resolved", since), seconds)
        self.timeline.mark(f"receiver {receiver} got the end of {name}", at)

    def _moments(self, name: str, state: str, since: float) -> list[float]:
        """Times of the evaluations that found an alert in a state, first to last."""
        length = max(1, round(time.time() - since))
        query = f'ALERTS{{alertname="{name}",alertstate="{state}"}}[{length}s]'
        answer = self.backends.http.get(
            f"{self.backends.at.url('prometheus')}/api/v1/query", params={"query": query}
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        found = answer.json()["data"]["result"]
        return sorted(at for series in found for at, _ in series["values"] if at >= since)

    def _notified(
        self, name: str, receiver: str, status: str, since: float
    ) -> tuple[float, dict[str, Any]]:
        for message in self.inbox.of(receiver, since):
            for alert in message.alerts:
                if alert["labels"]["alertname"] == name and alert["status"] == status:
                    return message.at, alert
        raise LookupError(f"{receiver} was not told that {name} is {status}")
