from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.changes import Change, Changes, Reason, changes, shown
from supervisor_tx.config.model import (
    AUTO,
    FcgiSocketConfig,
    GroupConfig,
    LogConfig,
    PoolConfig,
    ProcessConfig,
)
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.values import fields, replace

SOCKET = FcgiSocketConfig("unix:///a", path="/a", mode=0o700)
PROCESS = ProcessConfig("x", "/bin/x", program="x", socket=SOCKET)
GROUP = GroupConfig("g", 999, (PROCESS,))


def other(value: Any) -> Any:
    """Return a value of the same kind that is not the same."""
    match value:
        case bool():
            return not value
        case AutoRestart():
            return AutoRestart.NEVER
        case int():
            return value + 1
        case tuple():
            return (*value, 1)
        case dict():
            return {**value, "A": "1"}
        case None:
            return 1
        case _:
            return f"{value}-"


class ChangesTests(SynchronousTestCase):
    def reasons(self, new: GroupConfig, old: GroupConfig = GROUP) -> tuple[Reason, ...]:
        found = changes([old], [new])
        self.assertEqual((found.added, found.removed), ((), ()))
        (change,) = found.changed
        self.assertEqual((change.old, change.new), (old, new))
        return change.reasons

    def test_same(self) -> None:
        """What is equal has not changed."""
        found = changes([GROUP], [replace(GROUP)])
        self.assertEqual(found, Changes())
        self.assertFalse(found)

    def test_added_and_removed(self) -> None:
        """Groups come and go by name."""
        a, b, c = (GroupConfig(name, 1, ()) for name in "abc")
        found = changes([a, b], [b, c])
        self.assertEqual(found, Changes(added=(c,), removed=(a,)))
        self.assertTrue(found)

    def test_every_option_of_a_process(self) -> None:
        """Each option is compared, and named as in the file."""
        names = {"uid": "user"}
        for member in fields(ProcessConfig):
            was = getattr(PROCESS, member.name)
            if member.name == "name" or isinstance(was, (LogConfig, FcgiSocketConfig)):
                continue
            now = other(was)
            process = replace(PROCESS, **{member.name: now})
            option = names.get(member.name, member.name)
            self.assertEqual(
                self.reasons(replace(GROUP, processes=(process,))), (Reason("x", option, was, now),)
            )

    def test_every_option_of_logs_and_sockets(self) -> None:
        """Log and socket options too: AUTO to a file, owner, mode and backlog."""
        for part, prefix in (("stdout", "stdout_"), ("stderr", "stderr_"), ("socket", "socket_")):
            value = getattr(PROCESS, part)
            for member in fields(value):
                was = getattr(value, member.name)
                now = other(was)
                changed = replace(value, **{member.name: now})
                process = replace(PROCESS, **{part: changed})
                option = "socket" if member.name == "url" else f"{prefix}{member.name}"
                reasons = self.reasons(replace(GROUP, processes=(process,)))
                self.assertEqual(reasons, (Reason("x", option, was, now),))

    def test_group(self) -> None:
        """A group's own options are reasons of no process."""
        self.assertEqual(
            self.reasons(replace(GROUP, priority=1)), (Reason(None, "priority", 999, 1),)
        )

    def test_pool(self) -> None:
        """A pool's options, and that it is one."""
        pool = PoolConfig("g", 999, (PROCESS,), events=("TICK",))
        for option, value in (
            ("events", ()),
            ("buffer_size", 3),
            ("result_handler", "a:b"),
            ("on_protocol_error", "restart"),
        ):
            self.assertEqual(
                self.reasons(replace(pool, **{option: value}), pool),
                (Reason(None, option, getattr(pool, option), value),),
            )
        (reason,) = self.reasons(pool)
        self.assertEqual((reason.option, reason.new), ("kind", "eventlistener"))

    def test_processes(self) -> None:
        """Processes that come and go are reasons."""
        new = replace(GROUP, processes=(replace(PROCESS, name="y"),))
        self.assertEqual(
            self.reasons(new),
            (Reason("x", "process", "x", None), Reason("y", "process", None, "y")),
        )

    def test_order(self) -> None:
        """Another order of the same processes is a change."""
        other_process = replace(PROCESS, name="y")
        old = replace(GROUP, processes=(PROCESS, other_process))
        new = replace(GROUP, processes=(other_process, PROCESS))
        self.assertEqual(
            self.reasons(new, old), (Reason(None, "programs", ("x", "y"), ("y", "x")),)
        )

    def test_same_name_twice(self) -> None:
        """Of groups with one name the first is the one that runs."""
        found = changes([GROUP, replace(GROUP, priority=1)], [GROUP, replace(GROUP, priority=2)])
        self.assertFalse(found)

    groups = st.lists(
        st.builds(
            GroupConfig,
            st.sampled_from("abc"),
            st.integers(0, 1),
            st.lists(
                st.builds(ProcessConfig, st.sampled_from("xyz"), st.sampled_from(["1", "2"])),
                max_size=3,
            ).map(tuple),
        ),
        max_size=4,
    )

    @given(groups, groups)
    def test_complete(self, old: list[GroupConfig], new: list[GroupConfig]) -> None:
        """Applied to what runs, the changes lead to what is configured; each has a reason."""
        found = changes(old, new)
        running = {group.name: group for group in reversed(old)}
        for group in found.removed:
            del running[group.name]
        for change in found.changed:
            self.assertIsInstance(change, Change)
            self.assertTrue(change.reasons)
            self.assertEqual(running[change.old.name], change.old)
            running[change.new.name] = change.new
        for group in found.added:
            self.assertNotIn(group.name, running)
            running[group.name] = group
        self.assertEqual(running, {group.name: group for group in reversed(new)})


class ShownTests(SynchronousTestCase):
    """Values as they are told to people."""

    def test_each_kind(self) -> None:
        """A value is shown as it could stand in a file."""
        for value, text in (
            (None, ""),
            (True, "true"),
            (7, "7"),
            ("x", "x"),
            ((0, 2), "0,2"),
            ({"A": "1", "B": "x y"}, 'A="1",B="x y"'),
            (AutoRestart.UNEXPECTED, "unexpected"),
            (AUTO, "AUTO"),
            (FcgiSocketConfig("unix:///s", "/s"), "unix:///s"),
        ):
            with self.subTest(value=value):
                self.assertEqual(shown(value), text)
