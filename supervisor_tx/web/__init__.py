"""HTTP: the servers of a configuration, and what they serve."""
