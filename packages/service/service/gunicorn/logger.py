"""Logger of gunicorn, which writes lines in the form of all other loggers."""

from typing import Any

from gunicorn import glogging


class Logger(glogging.Logger):  # type: ignore[misc]
    """Hands gunicorn's records to the root logger; never writes an access line."""

    def setup(self, cfg: Any) -> None:
        """Take no handler of gunicorn's own."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.setLevel(self.LOG_LEVELS[cfg.loglevel.lower()])
