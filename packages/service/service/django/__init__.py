"""What a Django service answers with, and its WSGI application.

A service's wsgi.py takes ``get_wsgi_application`` from here.
"""

from service.django.problems import problem
from service.django.wsgi import get_wsgi_application

__all__ = ["get_wsgi_application", "problem"]
