"""Decisions: inputs in, effects out. No reactor, no clock, no I/O, no logging."""
