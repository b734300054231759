"""
Tests of supervisor_tx; the folders are those of the package, and some more.

A warning is an error, in trial's workers too, which know nothing of ``-W``. Nothing fails because
the machine is slow: hypothesis, too, takes the time that it takes.
"""

import warnings

from hypothesis import HealthCheck, settings

warnings.simplefilter("error")
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("patient")
