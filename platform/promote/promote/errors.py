"""Errors of a promotion."""


class PromotionError(Exception):
    """Nothing was promoted; the message says why, and what to do."""
