"""Use cases, and the interfaces that they need."""
