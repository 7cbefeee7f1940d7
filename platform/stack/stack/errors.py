"""Errors while the stack starts or runs."""


class StackError(Exception):
    """The stack can't go on; the message says which part, why, and what to do."""
