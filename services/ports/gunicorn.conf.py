"""How gunicorn runs the service; worker, hooks and limits come from the telemetry package."""

import telemetry.gunicorn
from seaports import settings

_here = settings.ENVIRONMENT
globals().update(
    telemetry.gunicorn.settings(
        service=settings.SERVICE,
        app="seaports.wsgi:application",
        version=settings.VERSION,
        host=_here.HOST,
        bind_port=_here.PORT,
        workers=_here.WEB_CONCURRENCY,
        threads=_here.PORTS_THREADS,
        cpu_affinity=_here.PORTS_CPU_AFFINITY,
        metrics_port=_here.METRICS_PORT,
        max_waiting=_here.PORTS_MAX_WAITING,
        drain_seconds=_here.PORTS_DRAIN_SECONDS,
        graceful_seconds=_here.PORTS_GRACEFUL_SECONDS,
        trusted_proxies=_here.PORTS_TRUSTED_PROXIES,
        tail_sampling=_here.PORTS_TAIL_SAMPLING,
    )
)
