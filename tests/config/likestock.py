"""Load one configuration in stock Supervisor and in ours, and hold the two models together."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx
from tests import requirements

HERE = Path(__file__).parent

#: Where an interpreter that is started elsewhere finds our package and its tests.
PYTHONPATH = os.pathsep.join(
    str(Path(module).parents[levels])
    for module, levels in ((supervisor_tx.__file__, 1), (__file__, 2))
)


def commands(path: str) -> list[list[str]]:
    """Return the commands that print stock's model and ours of one file."""
    return [
        [requirements.stock("python"), str(HERE / "stock_model.py"), path],
        ["env", f"PYTHONPATH={PYTHONPATH}", sys.executable, str(HERE / "our_model.py"), path],
    ]


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return a small environment: what an interpreter needs, and these variables."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": "/root", **variables}


class LikeStockCase(SynchronousTestCase):
    """Assertions about both models."""

    maxDiff = None

    def compare(self, runs: Sequence[tuple[int, str, str]], what: str = "") -> dict[str, Any]:
        """Expect both commands to have printed the same model; return it."""
        stock, ours = (self.model(what, *run) for run in runs)
        self.assertEqual(ours.keys(), stock.keys())
        for part, expected in stock.items():
            self.assertEqual(ours[part], expected, f"{what} {part}")
        return ours

    def model(self, what: str, status: int, out: str, err: str) -> dict[str, Any]:
        self.assertEqual((status, err), (0, ""), what)
        model = json.loads(out)
        assert isinstance(model, dict)
        return model

    def compare_text(
        self,
        text: str,
        variables: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Compare what both make of a file with this text, and of files beside it."""
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        for name, content in {"supervisord.conf": text, **(files or {})}.items():
            path = directory / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(content, encoding="utf-8")
        runs = []
        for command in commands(str(directory / "supervisord.conf")):
            run = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd=directory,
                env=environment(variables or {}),
            )
            runs.append((run.returncode, run.stdout, run.stderr))
        return self.compare(runs)

    def compare_staged(
        self,
        what: str,
        path: str,
        *,
        files: Mapping[str, str],
        directories: Sequence[str],
        users: Sequence[str],
        variables: Mapping[str, str],
    ) -> dict[str, Any]:
        """Compare what both make of a file on a machine that has all this."""
        requirements.root()
        both = commands(path)
        scratch = Path(self.mktemp()).absolute()
        scratch.mkdir()
        spec = scratch.with_suffix(".json")
        spec.write_text(
            json.dumps(
                {
                    "scratch": str(scratch),
                    "directories": directories,
                    "users": users,
                    "files": files,
                    "commands": both,
                }
            ),
            encoding="utf-8",
        )
        run = subprocess.run(
            [
                *(requirements.program("unshare"), "--mount", "--propagation", "private"),
                *(sys.executable, str(HERE / "stage.py"), str(spec)),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=environment(variables),
        )
        if run.returncode:
            requirements.require(False, f"needs mount namespaces and overlays: {run.stderr}")
            raise SkipTest(run.stderr)
        stock, ours = json.loads(run.stdout)
        return self.compare([stock, ours], what)
