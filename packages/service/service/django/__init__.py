"""Settings, API and error responses of a Django service, the same in every service.

Import each module by its name, because Django's settings import one before Django is configured.

- `conf`: `settings`, for a service's settings module
- `api`: `Api`, the API with strict input; `parser` reads that input
- `problems`: `Errors`, the one table of errors; `problem`, `Problem` and `PROBLEMS`
- `probes`: `router`, the routes `/ready` and `/live`
- `urls`: `urlconf`, for a service's urls module
- `postgresql`: data in PostgreSQL, with a bound on each wait
- `cache`: a cache of a store's reads, in memory or shared by all replicas
- `conditional`: entity tags and conditional requests
- `wsgi`: `get_wsgi_application`, for a service's wsgi module
- `negotiation`: which media type a client prefers
- `edge`, `docs`, `landing`, `checks`, `apps`, `management`: what these bring along
"""
