"""``python -m supervisor_tx.ctl``: ours, whichever ``supervisorctl`` is first in the PATH."""

import sys

from supervisor_tx.ctl.main import main

sys.exit(main())
