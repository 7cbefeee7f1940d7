"""What goes wrong in a promotion."""


class PromotionError(Exception):
    """Nothing was promoted; the message says why, and what to do."""
