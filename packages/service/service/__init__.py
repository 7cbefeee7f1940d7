"""Server, settings, errors and probes, the same in every service.

A service calls:

- `service.environment`: the environment variables of the server; a service adds its own
- `service.gunicorn`: settings for `gunicorn.conf.py`; `python -m service.gunicorn` serves
- `service.django`: a service's settings, API, probes and paths; its docstring has the modules

How it works:

- `gunicorn`: settings, hooks and the worker; the answers that reach no application
- `problem`: an error as an RFC 9457 document
- `hosts`: which server a request names
- `proxies`: whose forwarding headers are believed, and what they say of a request

It stands on `telemetry`, which knows nothing of it.
"""
