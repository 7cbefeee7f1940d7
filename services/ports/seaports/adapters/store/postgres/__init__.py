"""Ports in PostgreSQL, through the Django ORM."""
