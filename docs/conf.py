"""How Sphinx builds the documentation."""

import sys
from pathlib import Path

from supervisor_tx import __version__

sys.path.insert(0, str(Path(__file__).parent))

project = "supervisor_tx"
author = "the supervisor_tx authors"
project_copyright = "2026, the supervisor_tx authors"
version = release = __version__

extensions = ["extension"]
exclude_patterns = ["_build", "demo", "examples"]
nitpicky = True

highlight_language = "none"  # most blocks are shell commands and what they print

html_theme = "alabaster"
html_static_path = ["_static"]
html_theme_options = {
    "description": "A process supervisor on Twisted",
    "fixed_sidebar": True,
    "page_width": "1120px",
    "sidebar_width": "260px",
}
