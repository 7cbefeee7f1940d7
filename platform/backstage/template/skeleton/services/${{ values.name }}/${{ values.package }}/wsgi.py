"""The WSGI application that gunicorn serves."""

import os

from service.django.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "${{ values.package }}.settings")
application = get_wsgi_application()
