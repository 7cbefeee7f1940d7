"""Grafana dashboards: an overview of all SLOs, a page for each SLO, and RED for each service."""
