"""One suite of tests for each thing that has more than one implementation."""
