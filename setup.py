"""Builds and installs the distribution; everything that can be said as data is in setup.cfg."""

from setuptools import setup

setup()
