"""How gunicorn runs the service; worker, hooks and limits come from the package service."""

import service.gunicorn
from seaports import settings

globals().update(
    service.gunicorn.settings(
        service=settings.SERVICE,
        app="seaports.wsgi:application",
        version=settings.VERSION,
        **settings.ENVIRONMENT.server(),
    )
)
