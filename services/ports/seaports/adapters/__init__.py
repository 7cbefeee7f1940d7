"""What connects the use cases to the outside: HTTP in front, stores and feeds behind."""
