"""How a service serves: server, settings, errors, probes, the same in every service.

What a service calls:

- `service`: `is_draining`, `has_been_ready`, `mark_ready`, for its probes
- `service.environment`: the environment variables of the server, which a service's extend
- `service.gunicorn`: what goes into `gunicorn.conf.py`; `python -m service.gunicorn` serves
- `service.django`: a Django service's WSGI application, and what it answers with

How it works:

- `gunicorn`: settings, hooks and the worker; the answers that reach no application
- `problem`: an error as an RFC 9457 document
- `proxies`: whose forwarding headers are believed, and what they say of a request

It stands on `telemetry`, which knows nothing of it.
"""

from telemetry.shared import has_been_ready, is_draining, mark_ready

__all__ = ["has_been_ready", "is_draining", "mark_ready"]
