"""The whole platform as local processes, run from the configurations that clusters get."""
