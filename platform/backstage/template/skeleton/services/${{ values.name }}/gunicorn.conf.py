"""How gunicorn runs the service; worker, hooks and limits come from the telemetry package."""

import telemetry.gunicorn
from ${{ values.package }} import settings

globals().update(
    telemetry.gunicorn.settings(
        service=settings.SERVICE,
        app="${{ values.package }}.wsgi:application",
        version=settings.VERSION,
        **settings.ENVIRONMENT.server(),
    )
)
