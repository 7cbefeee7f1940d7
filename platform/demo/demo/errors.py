"""Errors of the demo."""


class DemoError(Exception):
    """A step failed; the message says what, where, and what to do."""
