"""Tests of whole programs, from outside."""
