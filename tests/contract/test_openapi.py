"""The running service against its own OpenAPI document, over each store."""

EXAMPLES = 200  # an operation, in the fuzzing phase and in the stateful one
