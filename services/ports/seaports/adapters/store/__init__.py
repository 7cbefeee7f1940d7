"""Where ports are kept: each module implements `PortStore`."""
