"""Flags of Thanos that decide what an answer means, as the profile `scaled` sets them."""

REPLICA_LABELS = ("prometheus_replica", "thanos_ruler_replica")

QUERY = (
    *(f"--query.replica-label={label}" for label in REPLICA_LABELS),
    # A part of the data is an error, not an answer with a warning that many readers drop.
    "--no-query.partial-response",
    "--query.timeout=2m",
)
# Longer than the longest period of an SLO, a quarter: sums over the period read raw samples alone.
RETENTION = {"raw": "100d", "5m": "400d", "1h": "1200d"}
COMPACTOR = (
    *(f"--retention.resolution-{name}={period}" for name, period in RETENTION.items()),
    # A Collector that was away sends old samples, which Prometheus keeps in blocks that overlap.
    "--compact.enable-vertical-compaction",
)
RULER = ("--alert.label-drop=thanos_ruler_replica",)
# Prometheus leaves merging blocks to the compactor.
PROMETHEUS = ("--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h")
