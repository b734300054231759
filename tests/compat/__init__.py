"""Tests of what plugins import."""
