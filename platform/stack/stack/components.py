"""Each component of the stack: its program, configuration file, environment and address."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from ruamel.yaml import YAML

from stack import compressed, prometheus, values
from stack.addresses import HOST, Addresses
from stack.backend import Backend, Way
from stack.process import Process
from stack.values import ROOT, Values
from stack.ways import built

ENVIRONMENT: Final = "local"
SERVICE: Final = ROOT / "services" / "ports"
SERVE: Final = (sys.executable, "-m", "service.gunicorn")
# Prometheus' name for the scrape of a component, as the monitors of the upstream charts give it in
# a cluster, and the address here that is scraped.
JOBS: Final = {
    "observability/otel-agent-agent": "agent-metrics",
    "otel-gateway": "gateway-metrics",
    "jaeger": "jaeger-metrics",
    "observability/loki": "loki",
    "prometheus-alertmanager": "alertmanager",
    "prometheus-prometheus": "prometheus",
}


@dataclass(frozen=True)
class Site:
    """Where a stack lies: its data, its addresses.

    Attributes:
        data: Folder that holds everything the stack writes.
        addresses: Where each component listens.
        receivers: URL of a webhook by Alertmanager's receiver; others go nowhere.
        rules: Rule files in place of the generated ones of every service.
        jobs: Scrape jobs in place of the stack's own.
        prometheus_overrides: Changed fields of `prometheusSpec`, such as shorter intervals.
        service_env: Further variables of the service.
        collector_profile: Profile of both Collectors.
        collector_overlays: Value files of both Collectors beside those of the profile.
        collector_env: Further variables of both Collectors.
        scale: Factor that compresses the durations of the pipeline's rules and of Alertmanager's
            routes, as `slo generate --scale` does with the rules that `rules` names.
        ways: Where the backends' programs come from; each backend takes the first way that works.
        configs: Folder of the configuration files, in the data.
    """

    data: Path
    addresses: Addresses = field(default_factory=Addresses)
    receivers: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[Path, ...] | None = None
    jobs: tuple[Values, ...] | None = None
    prometheus_overrides: Values = field(default_factory=dict)
    service_env: Mapping[str, str] = field(default_factory=dict)
    collector_profile: str = values.LOCAL
    collector_overlays: tuple[str, ...] = ()
    collector_env: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1
    ways: tuple[Way, ...] = (built,)
    configs: str = "config"

    @property
    def pods(self) -> Path:
        """The folder that replaces a node's /var/log/pods."""
        return self.data / "pods"

    @property
    def fault(self) -> Path:
        """Where `make chaos` writes which fault there is."""
        return self.data / "fault.json"

    def config(self, name: str, content: Values) -> Path:
        """Write a configuration file and return its path."""
        file = self.folder(self.configs) / f"{name}.yaml"
        with file.open("w") as out:
            YAML().dump(content, out)
        return file

    def folder(self, *names: str) -> Path:
        """A folder under the data, made if need be."""
        folder = self.data.joinpath(*names)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def process(
        self, name: str, command: list[str], ready: str, env: Mapping[str, str] | None = None
    ) -> Process:
        """A component's process, its log in the stack's folder."""
        return Process(name, command, self._log(name), ready, env or {})

    def backend(
        self,
        make: "Callable[[Site], Backend]",
        name: str,
        program: str,
        arguments: list[str],
        ready: str,
        env: Mapping[str, str] | None = None,
    ) -> Backend:
        """A component whose program comes by the first of the site's ways that works.

        `make` makes the component of a site: of this one, or of one that a container sees.
        """
        seen = replace(self, addresses=self.addresses.published(), configs="config-published")
        return Backend(
            name,
            [],
            self._log(name),
            ready,
            env or {},
            program=program,
            arguments=arguments,
            data=self.data,
            ports=tuple(self.addresses.own_ports),
            published=lambda: make(seen),
            ways=list(self.ways),
        )

    def _log(self, name: str) -> Path:
        return self.data / "log" / f"{name}.log"


def jaeger(site: Site) -> Backend:
    """Jaeger: OTLP in, its query API and pages out."""
    at = site.addresses
    env = {
        "HEALTH_ENDPOINT": at.own("jaeger-health"),
        "STORAGE_DIRECTORY": str(site.folder("jaeger")),
        "QUERY_HTTP_ENDPOINT": at.own("jaeger"),
        "QUERY_GRPC_ENDPOINT": at.own("jaeger-query-grpc"),
        "OTLP_GRPC_ENDPOINT": at.own("jaeger-otlp-grpc"),
        "OTLP_HTTP_ENDPOINT": at.own("jaeger-otlp-http"),
        "METRICS_HOST": at.listen,
        "METRICS_PORT": str(at.own_port("jaeger-metrics")),
    }
    arguments = ["--config", str(site.config("jaeger", values.jaeger()))]
    return site.backend(
        jaeger, "jaeger", "jaeger", arguments, at.url("jaeger-health") + "/status", env
    )


def loki(site: Site) -> Backend:
    """Loki: OTLP logs in, LogQL out."""
    at = site.addresses
    env = {
        "HTTP_HOST": at.listen,
        "HTTP_PORT": str(at.own_port("loki")),
        "GRPC_PORT": str(at.own_port("loki-grpc")),
        "STORAGE_DIRECTORY": str(site.folder("loki")),
    }
    file = site.config("loki", values.loki())
    arguments = [f"-config.file={file}", "-config.expand-env=true"]
    return site.backend(loki, "loki", "loki", arguments, at.url("loki") + "/ready", env)


def alertmanager(site: Site) -> Backend:
    """Alertmanager, its receivers' addresses in files as a cluster's secret gives them."""
    at = site.addresses
    receivers = site.folder("receivers")
    config = compressed.alertmanager(values.alertmanager(receivers), site.scale)
    for receiver in config["receivers"]:
        # Port 9 is "discard": nothing listens, and Alertmanager's log says so.
        url = site.receivers.get(receiver["name"], f"http://{HOST}:9/{receiver['name']}")
        (receivers / receiver["name"]).write_text(url)
    arguments = [
        f"--config.file={site.config('alertmanager', config)}",
        f"--storage.path={site.folder('alertmanager')}",
        f"--web.listen-address={at.own('alertmanager')}",
        "--cluster.listen-address=",
    ]
    ready = at.url("alertmanager") + "/-/ready"
    return site.backend(alertmanager, "alertmanager", "alertmanager", arguments, ready)


def prometheus_server(site: Site) -> Backend:
    """Prometheus: scrapes the service and the platform, takes OTLP, evaluates the rules."""
    return _prometheus(prometheus_server, site)


def probed_prometheus_server(site: Site) -> Backend:
    """Prometheus that scrapes the prober as well, without which it pages for missing data."""
    return _prometheus(probed_prometheus_server, site, "prober")


def _prometheus(make: Callable[[Site], Backend], site: Site, *probers: str) -> Backend:
    at = site.addresses
    spec = values.merge(
        values.prometheus(values.LOCAL)["prometheus"]["prometheusSpec"], site.prometheus_overrides
    )
    jobs = site.jobs
    if jobs is None:
        jobs = (
            prometheus.service_job("ports", ENVIRONMENT, at.endpoint("ports-metrics")),
            *(prometheus.prober_job("ports", ENVIRONMENT, at.endpoint(each)) for each in probers),
            *(prometheus.platform_job(job, at.endpoint(part)) for job, part in JOBS.items()),
        )
    rules = site.rules
    if rules is None:
        rules = tuple(values.service_rules())
    pipeline_rules = compressed.configuration(values.pipeline_rules(), site.scale)
    config = prometheus.config(
        spec,
        jobs=jobs,
        alertmanager=at.endpoint("alertmanager"),
        rule_files=[*rules, site.config("pipeline-rules", pipeline_rules)],
    )
    arguments = [
        f"--config.file={site.config('prometheus', config)}",
        f"--storage.tsdb.path={site.folder('prometheus')}",
        f"--web.listen-address={at.own('prometheus')}",
        *prometheus.flags(spec),
    ]
    ready = at.url("prometheus") + "/-/ready"
    return site.backend(make, "prometheus", "prometheus", arguments, ready)


def gateway(site: Site) -> Backend:
    """Gateway Collector, before the backends."""
    at = site.addresses
    env = {
        "JAEGER_ENDPOINT": at.endpoint("jaeger-otlp-grpc"),
        "PROMETHEUS_URL": at.url("prometheus"),
        "LOKI_URL": at.url("loki"),
    }
    noted = site.folder("gateway") / values.LAST_ALIVE
    if not noted.exists():
        # The gateway reads it at its start. In a cluster, the container that writes it is first.
        noted.write_text("0\n")
    return _collector(gateway, site, "gateway", env)


def last_alive(site: Site) -> Process | None:
    """The process that notes when the gateway was alive, which the option of tail sampling has."""
    script = values.last_alive(site.collector_overlays, site.collector_profile)
    if script is None:
        return None
    health = site.addresses.endpoint("gateway-health")
    env = {"STORAGE_DIRECTORY": str(site.folder("gateway")), "HEALTH_ENDPOINT": health}
    return site.process("gateway-last-alive", script, f"http://{health}", env)


def agent(site: Site) -> Backend:
    """Agent Collector, beside the service."""
    at = site.addresses
    env = {
        "POD_LOGS": str(site.folder("pods")),
        "DEPLOYMENT_ENVIRONMENT_NAME": ENVIRONMENT,
        "GATEWAY_ENDPOINT": at.endpoint("gateway-otlp-grpc"),
        "GATEWAY_ENDPOINTS": f"[{at.endpoint('gateway-otlp-grpc')}]",
    }
    return _collector(agent, site, "agent", env)


def service(site: Site, output: int, otlp: str) -> Process:
    """The ports service under gunicorn, as its image runs it; spans and metrics go to `otlp`."""
    at = site.addresses
    env = {
        "PORT": str(at.port("ports")),
        "METRICS_PORT": str(at.port("ports-metrics")),
        "LOG_FORMAT": "json",
        "PORTS_DRAIN_SECONDS": "0",  # no load balancer that has to be told first
        "PORTS_FAULTS_FILE": str(site.fault),
        "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={ENVIRONMENT}",
        **site.service_env,
    }
    process = site.process(
        "ports",
        [*SERVE],
        at.url("ports") + "/ready",
        env,
    )
    process.cwd = SERVICE
    process.output = output
    return process


def _collector(
    make: Callable[[Site], Backend],
    site: Site,
    role: str,
    env: Mapping[str, str],
) -> Backend:
    at = site.addresses
    listening = {
        "HEALTH_ENDPOINT": at.own(f"{role}-health"),
        "OTLP_GRPC_ENDPOINT": at.own(f"{role}-otlp-grpc"),
        "OTLP_HTTP_ENDPOINT": at.own(f"{role}-otlp-http"),
        "METRICS_HOST": at.listen,
        "METRICS_PORT": str(at.own_port(f"{role}-metrics")),
        "STORAGE_DIRECTORY": str(site.folder(role)),
    }
    content = values.collector(role, site.collector_overlays, site.collector_profile)
    config = site.config(role, content)
    variables = {**listening, **env, **site.collector_env}
    ready = at.url(f"{role}-health")
    return site.backend(make, role, "otelcol", ["--config", str(config)], ready, variables)
