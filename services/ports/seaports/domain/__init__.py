"""What a seaport is, whatever stores or serves it. Standard library only."""
