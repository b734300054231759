"""Tests of ``supervisor_tx.config``."""
