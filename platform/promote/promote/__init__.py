"""Promotion: an image's digest moves from one environment to the next, as a commit in a branch."""
