"""What the service is about; standard library only."""
