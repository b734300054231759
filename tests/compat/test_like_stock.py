"""What plugins import does what Supervisor's modules of the same names do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests import requirements
from tests.compat.expressions import EXPRESSIONS, PROGRAM
from tests.functional.harness import PATIENCE, TOP


class LikeStockTests(SynchronousTestCase):
    """Both packages, each in an interpreter of its own."""

    maxDiff = None

    def answers(self, python: str, whose: str) -> dict[str, str]:
        """Return what each expression comes to."""
        folder = Path(self.mktemp())
        folder.mkdir()
        done = subprocess.run(
            (python, "-c", PROGRAM, whose),
            input=json.dumps(EXPRESSIONS),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(TOP) if whose == "ours" else ""},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(zip(EXPRESSIONS, json.loads(done.stdout), strict=True))

    def test_the_same(self) -> None:
        """Conversions, names, payloads, logs, faults and texts of errors are the same."""
        theirs = self.answers(requirements.stock("python"), "stock")
        ours = self.answers(sys.executable, "ours")
        differing = {
            text: (ours[text], theirs[text]) for text in ours if ours[text] != theirs[text]
        }
        self.assertEqual(differing, {})
        failed = [text for text in theirs if theirs[text].startswith("NameError")]
        self.assertEqual(failed, [], "these ask for nothing")
