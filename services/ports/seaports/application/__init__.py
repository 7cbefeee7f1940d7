"""What the service does: one module per use case, and the interfaces that they need."""
