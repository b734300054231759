"""
Tests of supervisor_tx; the folders are those of the package, and some more.

A warning is an error, in trial's workers too, which know nothing of ``-W``.
"""

import warnings

warnings.simplefilter("error")
