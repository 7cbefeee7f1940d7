"""The WSGI application that gunicorn serves, with the store loaded."""

import os

from service.django.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "seaports.settings")
_application = get_wsgi_application()

from seaports.bootstrap import start  # noqa: E402 - Django has to be set up before

start()
application = _application
