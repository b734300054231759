"""What a changed configuration makes of what runs."""

from __future__ import annotations

from typing import Any
from unittest import TestCase

from supervisor_tx.config.changes import changes
from supervisor_tx.config.model import (
    FcgiSocketConfig,
    GroupConfig,
    LogConfig,
    PoolConfig,
    ProcessConfig,
)
from supervisor_tx.config.plan import Action, Step, plan
from supervisor_tx.values import replace

ONE = ProcessConfig(name="one", command="/bin/one")
TWO = ProcessConfig(name="two", command="/bin/two")


def group(*processes: ProcessConfig, name: str = "g", priority: int = 999) -> GroupConfig:
    return GroupConfig(name, priority, processes)


def steps(old: list[GroupConfig], new: list[GroupConfig], runs: bool = True) -> tuple[Step, ...]:
    return plan(changes(old, new), lambda group, process: runs)


def actions(*args: Any, **options: Any) -> list[tuple[str, str, str | None]]:
    """The plan without its reasons."""
    return [(step.action.value, step.group, step.process) for step in steps(*args, **options)]


class PlanTests(TestCase):
    """One group, before and after."""

    def test_nothing(self) -> None:
        """What is the same is not touched."""
        self.assertEqual(steps([group(ONE)], [group(ONE)]), ())

    def test_groups_come_and_go(self) -> None:
        """Groups are removed before others are added: they may want the same port."""
        self.assertEqual(
            actions([group(ONE, name="old")], [group(ONE, name="new")]),
            [("remove group", "old", None), ("add group", "new", None)],
        )

    def test_members_stay(self) -> None:
        """Members that did not change stay up, whatever happens to others."""
        changed = replace(TWO, command="/bin/zwei")
        self.assertEqual(
            actions([group(ONE, TWO)], [group(ONE, changed)]), [("restart", "g", "two")]
        )
        self.assertEqual(actions([group(ONE, TWO)], [group(ONE)]), [("remove", "g", "two")])
        self.assertEqual(actions([group(ONE)], [group(ONE, TWO)]), [("add", "g", "two")])

    def test_each_option(self) -> None:
        """Each option takes effect in its own way."""
        socket = FcgiSocketConfig("unix:///a", "/a")
        for option, value, action in (
            ("command", "/bin/other", "restart"),
            ("directory", "/", "restart"),
            ("umask", 0o77, "restart"),
            ("uid", 1, "restart"),
            ("environment", {"A": "1"}, "restart"),
            ("redirect_stderr", True, "restart"),
            ("reset_signals", True, "restart"),
            ("serverurl", "http://x", "restart"),
            ("socket", socket, "restart"),
            ("autostart", False, "at next start"),
            ("startsecs", 7, "at next start"),
            ("startretries", 7, "change"),
            ("priority", 7, "change"),
            ("exitcodes", (7,), "change"),
            ("stopsignal", 1, "change"),
            ("stopwaitsecs", 7, "change"),
            ("stopasgroup", True, "change"),
            ("killasgroup", True, "change"),
            ("stdout", LogConfig(logfile="/log"), "change"),
            ("stderr", LogConfig(logfile_maxbytes=7, syslog=True), "change"),
        ):
            values: dict[str, Any] = {option: value}
            new = replace(ONE, **values)
            with self.subTest(option=option):
                self.assertEqual(actions([group(ONE)], [group(new)]), [(action, "g", "one")])
                self.assertEqual(
                    actions([group(ONE)], [group(new)], runs=False), [("at next start", "g", "one")]
                )

    def test_socket_moves(self) -> None:
        """Another address of an fcgi socket is a restart."""
        old = replace(ONE, socket=FcgiSocketConfig("unix:///a", "/a"))
        new = replace(ONE, socket=FcgiSocketConfig("unix:///b", "/b"))
        self.assertEqual(actions([group(old)], [group(new)]), [("restart", "g", "one")])

    def test_several_options(self) -> None:
        """The one that asks for most decides, and all are told."""
        new = replace(ONE, startsecs=7, command="/bin/other", priority=1)
        [step] = steps([group(ONE)], [group(new)])
        self.assertIs(step.action, Action.RESTART)
        self.assertEqual(
            {reason.option for reason in step.reasons}, {"startsecs", "command", "priority"}
        )

    def test_group_priority(self) -> None:
        """The priority of a group touches no process."""
        self.assertEqual(actions([group(ONE)], [group(ONE, priority=1)]), [("change", "g", None)])

    def test_kind(self) -> None:
        """A program that became an event listener is another thing of the same name."""
        self.assertEqual(
            actions([group(ONE)], [PoolConfig("g", 999, (ONE,))]), [("replace group", "g", None)]
        )
