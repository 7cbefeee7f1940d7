"""${{ values.description }}."""
