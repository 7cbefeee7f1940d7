"""The service's worker class and hooks around an application that returns {}."""

import os

import service.gunicorn

globals().update(
    service.gunicorn.settings(
        service="bare",
        app="bare_wsgi:app",
        host="127.0.0.1",
        bind_port=int(os.environ["PORT"]),
        workers=1,
        threads=8,
        metrics_port=None,
        drain_seconds=0,
        graceful_seconds=5,
        max_waiting=64,
    )
)
