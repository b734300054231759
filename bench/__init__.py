"""Measurements, side by side with stock Supervisor."""
