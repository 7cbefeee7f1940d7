"""Adapters connect the use cases to HTTP, stores and files."""
