"""How the commands of Supervisor's client are used: each form, tabs, and what it does."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

HELP: Final = {
    "add": ("add <name> [...]\tMake new groups of the configuration active",),
    "avail": ("avail\t\t\tList every process that is configured",),
    "clear": (
        "clear <name>\t\tEmpty the logs of a process",
        "clear <name> <name>\tEmpty the logs of several processes",
        "clear all\t\tEmpty the logs of all processes",
    ),
    "exit": ("exit\tLeave the shell",),
    "fg": (
        "fg <process>\tShow what a process prints, and send it what is typed",
        "\t\tCtrl-C ends that",
    ),
    "maintail": (
        "maintail -f \tFollow the daemon's own log (Ctrl-C ends that)",
        "maintail -100\tThe latest 100 *bytes* of the daemon's own log",
        "maintail\tThe latest 1600 *bytes* of it",
        "",
    ),
    "open": (
        "open <url>\tTalk to another daemon",
        "\t\t(one on a unix socket is at unix:///path/of/the/socket)",
    ),
    "pid": (
        "pid\t\t\tThe pid of the daemon",
        "pid <name>\t\tThe pid of one process",
        "pid all\t\t\tThe pids of all processes, one a line",
    ),
    "quit": ("quit\tLeave the shell",),
    "reload": ("reload \t\tHave the daemon stop everything and begin anew",),
    "remove": ("remove <name> [...]\tTake groups that are stopped out of what is active",),
    "reread": ("reread \t\t\tRead the configuration again and list what changed; apply nothing",),
    "restart": (
        "restart <name>\t\tStop and start a process",
        "restart <gname>:*\tStop and start all processes of a group",
        "restart <name> <name>\tStop and start several processes or groups",
        "restart all\t\tStop everything and start everything",
        "Note: a restart keeps the configuration as it is. See reread and update.",
    ),
    "shutdown": ("shutdown \tEnd the daemon and all its processes",),
    "signal": (
        "signal <signal name> <name>\t\tSend a signal to a process",
        "signal <signal name> <gname>:*\t\tSend a signal to all processes of a group",
        "signal <signal name> <name> <name>\tSend a signal to several processes or groups",
        "signal <signal name> all\t\tSend a signal to all processes",
    ),
    "start": (
        "start <name>\t\tStart one process",
        "start <gname>:*\t\tStart what a group has",
        "start <name> <name>\tStart several processes or groups",
        "start all\t\tStart everything",
    ),
    "status": (
        "status <name>\t\tHow one process is doing",
        "status <gname>:*\tHow the processes of a group are doing",
        "status <name> <name>\tHow several processes or groups are doing",
        "status\t\t\tHow everything is doing",
    ),
    "stop": (
        "stop <name>\t\tStop one process",
        "stop <gname>:*\t\tStop what a group has",
        "stop <name> <name>\tStop several processes or groups",
        "stop all\t\tStop everything",
    ),
    "tail": (
        "tail [-f] <name> [stdout|stderr] (stdout unless said otherwise)",
        "Ex:",
        "tail -f <name>\t\tFollow what a process prints",
        "\t\t\tCtrl-C ends that",
        "tail -100 <name>\tThe latest 100 *bytes* that a process printed",
        "tail <name> stderr\tThe latest 1600 *bytes* that it printed as errors",
    ),
    "update": (
        "update\t\t\tRead the configuration again, and apply what changed: affected groups stop",
        "update all\t\tThe same",
        "update <gname> [...]\tThe same for some groups only",
    ),
    "version": ("version\t\t\tThe version of the daemon",),
}
