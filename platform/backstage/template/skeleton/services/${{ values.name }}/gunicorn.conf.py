"""How gunicorn runs the service; worker, hooks and limits come from the telemetry package."""

import telemetry.gunicorn
from ${{ values.package }} import settings

_here = settings.ENVIRONMENT
globals().update(
    telemetry.gunicorn.settings(
        service=settings.SERVICE,
        app="${{ values.package }}.wsgi:application",
        version=settings.VERSION,
        host=_here.HOST,
        bind_port=_here.PORT,
        workers=1,
        threads=_here.${{ values.prefix }}_THREADS,
        metrics_port=_here.METRICS_PORT,
        max_waiting=_here.${{ values.prefix }}_MAX_WAITING,
        drain_seconds=_here.${{ values.prefix }}_DRAIN_SECONDS,
        graceful_seconds=_here.${{ values.prefix }}_GRACEFUL_SECONDS,
    )
)
