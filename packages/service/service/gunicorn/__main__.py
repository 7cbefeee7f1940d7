"""`python -m service.gunicorn`: gunicorn without the environment variables that the settings read.

gunicorn reads these variables at import and fails with a traceback if one is invalid. It does not
need them, because service.gunicorn.settings() sets the values.
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
