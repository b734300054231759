from __future__ import annotations

import os
import warnings
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.search import find_config, require_config
from supervisor_tx.errors import CannotStart

PLACES = [
    "/opt/venv/etc/supervisord.conf",
    "/opt/venv/supervisord.conf",
    "supervisord.conf",
    "etc/supervisord.conf",
    "/etc/supervisord.conf",
    "/etc/supervisor/supervisord.conf",
]


class SearchTests(SynchronousTestCase):
    def test_order(self) -> None:
        """The first place that exists is taken."""
        for number, place in enumerate(PLACES):
            there = PLACES[number:]
            self.assertEqual(find_config("/opt/venv/bin/supervisord", there.__contains__), place)

    def test_nothing(self) -> None:
        """There may be no file."""
        self.assertIsNone(find_config("supervisord", lambda path: False))

    def test_given(self) -> None:
        """A path that is given is taken, and made absolute."""
        path = Path(self.mktemp())
        path.touch()
        self.assertEqual(require_config(str(path), "supervisord"), str(path.absolute()))

    def test_given_missing(self) -> None:
        """A path that is given and not there is told as it was given."""
        error = self.assertRaises(CannotStart, require_config, "no/such.conf", "supervisord")
        self.assertEqual(str(error), "could not find config file no/such.conf")

    def test_searched(self) -> None:
        """Where nothing is given it is searched for, and root is warned."""
        directory = Path(self.mktemp()).absolute()
        (directory / "etc").mkdir(parents=True)
        (directory / "etc/supervisord.conf").touch()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = require_config(None, str(directory / "bin/supervisord"))
        self.assertEqual(found, str(directory / "etc/supervisord.conf"))
        self.assertEqual(len(caught), 1 if os.getuid() == 0 else 0)
