"""The subject of the service; standard library only."""
