"""Stores of ports. Each module implements `PortStore`."""
