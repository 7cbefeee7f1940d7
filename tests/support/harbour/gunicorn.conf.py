"""The whole server configuration of a service: its settings in, gunicorn's out."""

import os

import service.gunicorn

globals().update(
    service.gunicorn.settings(
        service="harbour",
        version="1.2.3",
        host="127.0.0.1",
        bind_port=int(os.environ["PORT"]),
        workers=int(os.environ.get("WEB_CONCURRENCY", "1")),
        threads=int(os.environ.get("THREADS", "8")),
        metrics_port=int(os.environ["METRICS_PORT"]) if "METRICS_PORT" in os.environ else None,
        drain_seconds=float(os.environ.get("DRAIN_SECONDS", "0")),
        graceful_seconds=int(os.environ.get("GRACEFUL_SECONDS", "10")),
        max_waiting=int(os.environ.get("MAX_WAITING", "1000")),
        timeout_seconds=int(os.environ.get("TIMEOUT_SECONDS", "30")),
        patience_seconds=float(os.environ.get("PATIENCE_SECONDS", "10")),
        trusted_proxies=os.environ.get("TRUSTED_PROXIES", "127.0.0.1,::1"),
        tail_sampling=os.environ.get("TAIL_SAMPLING") == "yes",
        cpu_affinity=os.environ.get("CPU_AFFINITY") == "yes",
        app="harbour:application",
    )
)
