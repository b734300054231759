"""JSON: all that the pages do, for programs, below ``/api/v1/``."""
