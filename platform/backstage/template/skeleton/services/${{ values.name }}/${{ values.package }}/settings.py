"""Django's settings, and the only place that reads the environment.

(The package telemetry reads OTEL_* and LOG_* itself.)
"""

import os
from importlib.metadata import version
from typing import Final

from service.django.conf import settings
from service.environment import ServerEnvironment, prefixed

SERVICE: Final = "${{ values.name }}"
VERSION: Final = version(SERVICE)


class Environment(ServerEnvironment, alias_generator=prefixed("${{ values.prefix }}_")):
    """The environment variables of the service: the server's, and below them its own."""


ENVIRONMENT: Final = Environment.read(os.environ)

globals().update(settings("${{ values.package }}", ENVIRONMENT))
