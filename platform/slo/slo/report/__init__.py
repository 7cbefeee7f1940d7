"""How the objectives were kept in their last full window: for people, from Prometheus' data."""
