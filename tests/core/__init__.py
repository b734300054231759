"""Tests of ``supervisor_tx.core``."""
