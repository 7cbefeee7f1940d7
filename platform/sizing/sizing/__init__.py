"""Computes memory and disk of the platform's components, and names the profile that fits."""
