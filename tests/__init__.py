"""Tests of supervisor_tx; the folders are those of the package, and two more."""
