"""The domain: what a seaport is. It uses only the standard library."""
