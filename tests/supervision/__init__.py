"""Tests of ``supervisor_tx.supervision``."""
