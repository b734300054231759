"""``python -m supervisor_tx``: the daemon, whichever package owns the script ``supervisord``."""

import sys

from supervisor_tx.supervisord import main

sys.exit(main())
