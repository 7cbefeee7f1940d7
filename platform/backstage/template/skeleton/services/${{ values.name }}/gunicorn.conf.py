"""How gunicorn runs the service; worker, hooks and limits come from the package service."""

import service.gunicorn
from ${{ values.package }} import settings

globals().update(
    service.gunicorn.settings(
        service=settings.SERVICE,
        app="${{ values.package }}.wsgi:application",
        version=settings.VERSION,
        **settings.ENVIRONMENT.server(),
    )
)
