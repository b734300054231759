"""Becoming another user, for good, before anything is opened in that user's name."""

from __future__ import annotations

import os
import pwd

from supervisor_tx.activity import Level
from supervisor_tx.config.model import Message
from supervisor_tx.errors import CannotStart


def become(uid: int | None) -> tuple[Message, ...]:
    """
    Switch to a user with all groups of theirs; return what to log about it.

    None: stay. Raises CannotStart, with Supervisor's words, where that is not possible.
    """
    if uid is None:
        return ()
    if uid != os.getuid():
        _switch(uid)
    return (Message(Level.INFO, f"Set uid to user {uid} succeeded"),)


def _switch(uid: int) -> None:
    if os.getuid() != 0:
        raise CannotStart("Can't drop privilege as nonroot user")
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise CannotStart(f"Can't find uid {uid}") from None
    gid = entry.pw_gid
    try:
        os.setgroups([gid, *(g for g in os.getgrouplist(entry.pw_name, gid) if g != gid)])
    except OSError as error:
        raise CannotStart(f"Could not set groups of effective user: {error.strerror}") from error
    try:
        os.setgid(gid)
    except OSError as error:
        raise CannotStart(f"Could not set group id of effective user: {error.strerror}") from error
    try:
        os.setuid(uid)
    except OSError as error:
        raise CannotStart(f"Could not set uid to {uid}: {error.strerror}") from error
