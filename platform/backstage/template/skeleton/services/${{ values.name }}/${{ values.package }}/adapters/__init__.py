"""The parts that connect the use cases to the world."""
