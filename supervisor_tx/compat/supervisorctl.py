"""What plugins of the client are made of."""

from __future__ import annotations

from supervisor_tx.ctl import controller
from supervisor_tx.ctl.commands import DefaultControllerPlugin
from supervisor_tx.ctl.controller import Controller
from supervisor_tx.ctl.options import ClientOptions
from supervisor_tx.ctl.plugin import ControllerPluginBase

__all__ = [
    "ClientOptions",
    "Controller",
    "ControllerPluginBase",
    "DefaultControllerPlugin",
    "LSBInitExitStatuses",
    "LSBStatusExitStatuses",
]


class LSBInitExitStatuses:
    """Exit statuses of actions, in the words of the Linux Standard Base."""

    SUCCESS = 0
    GENERIC = controller.GENERIC
    INVALID_ARGS = controller.INVALID_ARGS
    UNIMPLEMENTED_FEATURE = controller.UNIMPLEMENTED_FEATURE
    INSUFFICIENT_PRIVILEGES = controller.INSUFFICIENT_PRIVILEGES
    NOT_INSTALLED = controller.NOT_INSTALLED
    NOT_RUNNING = controller.NOT_RUNNING


class LSBStatusExitStatuses:
    """Exit statuses of the action status, in the words of the Linux Standard Base."""

    NOT_RUNNING = 3
    UNKNOWN = 4
