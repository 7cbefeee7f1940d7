"""Reads files of ports."""
