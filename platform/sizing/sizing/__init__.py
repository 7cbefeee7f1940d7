"""The need of the platform's components for a number of services, and the profile that fits."""
