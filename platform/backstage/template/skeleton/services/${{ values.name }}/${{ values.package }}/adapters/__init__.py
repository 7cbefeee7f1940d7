"""What connects the use cases to the world."""
