"""Every name that telemetry uses, each defined once: metrics, labels, span attributes, log events.

Names follow the OpenTelemetry semantic conventions where one exists, in the form that the
OpenTelemetry-to-Prometheus compatibility specification gives them (dots become underscores, the
unit is a suffix). Code, the SLO compiler, dashboards and tests import them from here.
"""

from typing import Final

# Label that each target's series carry, set where Prometheus finds the target.
SERVICE_NAME: Final = "service_name"
ENVIRONMENT: Final = "deployment_environment_name"

# The one histogram family that SLOs are computed from, in seconds.
HTTP_SERVER_DURATION: Final = "http_server_request_duration_seconds"
HTTP_METHOD: Final = "http_request_method"
HTTP_ROUTE: Final = "http_route"
HTTP_STATUS: Final = "http_response_status_code"

# Values that stand for whatever a client may invent.
ROUTE_UNMATCHED: Final = "_unmatched"
ROUTE_OVERLOAD: Final = "_overload"
METHOD_OTHER: Final = "_OTHER"

# Upper bounds in seconds of the HTTP duration's buckets; each latency SLO's threshold is one of
# them. The list is the semantic conventions' advice for http.server.request.duration.
HTTP_DURATION_BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
