"""What the tests measured, for the lines at the end."""

LINES: list[str] = []
