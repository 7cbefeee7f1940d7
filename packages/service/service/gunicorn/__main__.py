"""`python -m service.gunicorn`: gunicorn, with the environment left to the service's settings.

gunicorn reads these variables while it is imported, and ends with a stack where one is wrong. What
they say is of no use to it: service.gunicorn.settings() decides it.
"""

import os
from typing import Final

_READ_BY_GUNICORN: Final = ("WEB_CONCURRENCY", "FORWARDED_ALLOW_IPS")


def main() -> None:
    """Run gunicorn by the gunicorn.conf.py of the current folder."""
    given = {name: os.environ.pop(name) for name in _READ_BY_GUNICORN if name in os.environ}
    from gunicorn.app import wsgiapp

    os.environ.update(given)
    wsgiapp.run(prog="gunicorn")


if __name__ == "__main__":
    main()
