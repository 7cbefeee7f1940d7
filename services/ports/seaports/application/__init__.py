"""The use cases, one module each, and the interfaces that they need."""
