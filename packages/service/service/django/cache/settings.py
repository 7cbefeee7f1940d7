"""Environment variables of a service's cache, and Django's settings that follow from them."""

from pathlib import Path
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, Field, SecretStr

from service.environment import ServerEnvironment

__all__ = ["CacheEnvironment"]

# The longest wait for an answer, and for a connection, in seconds. A read from the database takes
# about as long where it is slow.
ANSWER_SECONDS: Final = 0.1

_SCHEMES: Final = ("redis", "rediss")
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")


def _cache_url(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    try:
        split = urlsplit(text)
        is_valid = split.scheme in _SCHEMES and bool(split.hostname) and split.port != 0
    except ValueError:  # a port that is no number
        is_valid = False
    if not is_valid:
        raise ValueError("must be redis://HOST:PORT or rediss://HOST:PORT")
    if split.path.strip("/") and not split.path.strip("/").isdecimal():
        raise ValueError("the path must be the number of a database, for example /0")
    for name, value in parse_qsl(split.query, keep_blank_values=True):
        if name not in _FILES or split.scheme != _SCHEMES[1]:
            raise ValueError(f"the query may have only {', '.join(_FILES)}, with rediss://")
        if not Path(value).is_file():
            raise ValueError(f"{name} must name a file that exists")
    return url


class CacheEnvironment(ServerEnvironment):
    """The settings of the server and of the cache, read from environment variables."""

    CACHE_URL: Annotated[SecretStr, AfterValidator(_cache_url)] | None = Field(
        None,
        description="`redis://` or `rediss://` (TLS) URL of a Valkey or Redis server that keeps"
        " the cached reads for all replicas. Unset: each process keeps them in its memory.",
    )
    CACHE_SECONDS: int = Field(
        5,
        ge=0,
        le=3600,
        description="Seconds for which reads from PostgreSQL are cached. 0: no cache.",
    )
    CACHE_ENTRIES: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Maximum number of reads cached in memory. A read over 64 KB is not cached.",
    )

    def caches(self, service: str) -> dict[str, dict[str, object]]:
        """Return Django's CACHES: the server of CACHE_URL, or this process's memory.

        Args:
            service: Name of the service, with which all keys on the server begin.
        """
        if self.CACHE_URL is None:
            return {
                "default": {
                    "BACKEND": "django_prometheus.cache.backends.locmem.LocMemCache",
                    "TIMEOUT": self.CACHE_SECONDS,
                    "OPTIONS": {"MAX_ENTRIES": self.CACHE_ENTRIES},
                }
            }
        # Imported here: a cache in memory does not need it.
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        return {
            "default": {
                "BACKEND": "django_prometheus.cache.backends.redis.NativeRedisCache",
                # Of a text, Django splits a password at each comma.
                "LOCATION": [self.CACHE_URL.get_secret_value()],
                "TIMEOUT": self.CACHE_SECONDS,
                "KEY_PREFIX": service,
                "OPTIONS": {
                    "serializer": "service.django.cache.serializer.Bytes",
                    "socket_timeout": ANSWER_SECONDS,
                    "socket_connect_timeout": ANSWER_SECONDS,
                    # By default, a request would wait for ten retries.
                    "retry": Retry(NoBackoff(), 0),
                },
            }
        }
