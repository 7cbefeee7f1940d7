"""A small repository with one valid declaration, to be spoilt by the tests."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.slo import contract

VALID = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: availability
  displayName: Availability
  annotations:
    slo.platform/runbook: runbooks/availability.md
    slo.platform/minimum-bad-events: "5"
spec:
  description: It answers.
  service: shop
  indicator:
    metadata:
      name: availability
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus-structured
            spec:
              metric: http_server_request_duration_seconds
              select:
                - http_route: ["/a", "/b"]
                  http_response_status_code: {prefix: "5"}
        total:
          metricSource:
            type: Prometheus-structured
            spec:
              metric: http_server_request_duration_seconds
              select:
                - http_route: ["/a", "/b"]
  timeWindow:
    - duration: 30d
      isRolling: true
  budgetingMethod: Occurrences
  objectives:
    - target: 0.999
"""

ADOPTION = """\
organisation: acme
repository: https://git.acme.test/platform
registry: registry.acme.test
urls:
  grafana: https://grafana.acme.test
  prometheus: https://prometheus.acme.test
  alertmanager: https://alertmanager.acme.test
  jaeger: https://jaeger.acme.test
  backstage: https://backstage.acme.test
addresses:
  dev: https://{service}.dev.acme.test
  prod: https://acme.test/{service}
"""


CHART = """\
serviceMonitor:
  sampleLimit: 10000
  labelLimit: 32
  labelNameLengthLimit: 64
  labelValueLengthLimit: 256
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose one service, shop, declares one SLO."""
    declare(tmp_path, "shop", VALID)
    (tmp_path / "platform/chart").mkdir(parents=True)
    (tmp_path / "platform/chart/values.yaml").write_text(CHART)
    (tmp_path / "platform/adopt.yaml").write_text(ADOPTION)
    return tmp_path


def declare(root: Path, service: str, text: str, routes: Sequence[str] = contract.ROUTES) -> Path:
    """Write a service's declaration, its runbook page and what it can emit."""
    home = root / "services" / service
    (home / "runbooks").mkdir(parents=True, exist_ok=True)
    contract.write(home, routes)
    (home / "runbooks/availability.md").touch()
    (home / "slo.yaml").write_text(text)
    return home / "slo.yaml"
