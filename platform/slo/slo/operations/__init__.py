"""Alerts about the platform's own components."""
