"""The world's seaports over HTTP."""
