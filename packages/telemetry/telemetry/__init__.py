"""Logs, traces, metrics and request ids, the same in every service."""
