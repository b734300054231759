"""``--profile_options``: what the daemon spent its time on, told when it ends."""

from __future__ import annotations

import cProfile
import pstats

from supervisor_tx.cmdline import Profile


class Profiler:
    """Collects figures from now on; standard output gets them at the end."""

    def __init__(self, options: Profile) -> None:
        self._options = options
        self._profile = cProfile.Profile()
        self._profile.enable()

    def finish(self) -> None:
        """Stop, and print what was asked for."""
        self._profile.disable()
        stats = pstats.Stats(self._profile)
        if self._options.sort:
            stats.sort_stats(*self._options.sort)
        if self._options.callers:
            stats.print_callers()
        else:
            stats.print_stats()
