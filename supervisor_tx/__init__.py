"""A process supervisor on Twisted, for the configuration files of Supervisor."""

__version__ = "0.1.0.dev0"

#: What ``getSupervisorVersion`` and ``supervisord --version`` answer: clients compare it.
SUPERVISOR_VERSION = "4.3.0"
