"""
``python -m bench.plot FILE SVG``: draw what ``python -m bench.growth --json FILE`` has written.

It needs matplotlib (``pip install -e '.[bench]'``). Lines and letters are of a grey that can be
seen on white and on black, without a ground of their own; the same figures give the same file.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as Drawing
from matplotlib.ticker import LogLocator, StrMethodFormatter

from bench.growth import BOOT, CPU, ENDED, MEMORY, REPLACED, STATUS

PANELS = (BOOT, REPLACED, ENDED, STATUS, MEMORY, CPU)

GREY = "#808080"
#: Colour, marker and dash of ours, and of the other one.
STYLES = (("#2f7ed8", "o", "-"), ("#d9772b", "s", "--"))

SETTINGS = {
    "svg.hashsalt": "growth",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    **dict.fromkeys(
        (
            "text.color",
            "axes.edgecolor",
            "axes.labelcolor",
            "axes.titlecolor",
            "xtick.color",
            "ytick.color",
            "grid.color",
        ),
        GREY,
    ),
}


def main(source: str, target: str) -> None:
    plot(json.loads(Path(source).read_text()), Path(target))


def plot(results: Mapping[str, Any], target: Path) -> None:
    """Draw a panel for each cost, by the number of programs, both axes logarithmic."""
    with mpl.rc_context(SETTINGS):
        drawing = Drawing(figsize=(9.5, 6.2), layout="constrained")
        drawing.patch.set_alpha(0)
        panels = drawing.subplots(2, 3).flat
        for figure, panel in zip(PANELS, panels, strict=True):
            panel.patch.set_alpha(0)
            panel.set_title(f"{figure.name}, {figure.unit}", fontsize=8.5)
            panel.set_xscale("log")
            panel.set_yscale("log")
            panel.grid(visible=True, alpha=0.3, linewidth=0.5)
            for (name, values), style in zip(results["values"].items(), STYLES, strict=False):
                colour, marker, dash = style
                by_size = {int(size): median(each) for size, each in values[figure.name].items()}
                there = sorted((size, cost) for size, cost in by_size.items() if cost > 0)
                label = name if there else f"{name}: 0"
                panel.plot(
                    [size for size, _ in there],
                    [cost for _, cost in there],
                    color=colour,
                    marker=marker,
                    linestyle=dash,
                    label=label,
                )
            panel.set_xticks(results["sizes"], [f"{size:,}" for size in results["sizes"]])
            panel.minorticks_off()
            lowest, highest = panel.get_ylim()
            # within one power of ten there would be hardly a number at all
            numbers = (1.0,) if highest > 20 * lowest else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
            panel.yaxis.set_major_locator(LogLocator(subs=numbers))
            panel.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
            panel.legend(frameon=False, fontsize=8)
        for panel in drawing.axes[3:]:
            panel.set_xlabel("programs")
        drawing.savefig(target, transparent=True, metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
