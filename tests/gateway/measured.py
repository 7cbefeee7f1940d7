"""Lines about measurements, which the tests print at their end."""

LINES: list[str] = []
