"""
Supervisor's modules by our means, for plugins that import them.

Under the name ``supervisor`` they are found where :mod:`supervisor_tx.compat.finder` is installed:
in our daemon and our client, never in children. What is here has the names and the behaviour that
plugins of others rely on; nothing of it decides anything. Modules that a plugin of the client may
import do not import Twisted.
"""
