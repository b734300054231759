"""Lets ``twistd`` know its command ``supervisor``. Every twistd reads this: import nothing here."""

from twisted.application.service import ServiceMaker

supervisor = ServiceMaker(
    "supervisor",
    "supervisor_tx.tap",
    "Run and watch the programs of a supervisord.conf.",
    "supervisor",
)
