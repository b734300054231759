"""
Which processes of a machine belong to which program, and what they use together.

The process table is a list of :class:`Row`. A program that runs is known by the pid of the process
that was spawned for it, its *root*. To its tree belong, by the first of these that holds:

1. the root, and whatever descends from a member by parents;
2. a process whose process group or session is led by a member, or was begun by one that is gone:
   what is left when a process in between has ended, and so went to another parent;
3. a process that was a member the last time, however it hides now;

and the descendants of these. A process belongs to one tree only. Who left the group and the session
and lost the parent between two looks (a daemon that forks twice at once) is not found: nothing in
the table tells where it came from.

What a tree used between two looks is the sum over its members, and over those that have come and
gone meanwhile as far as their parents waited for them: the kernel adds what a child has used to
its parent's account when it is waited for. A compiler that lives for half a second counts.

All of it is done in pieces: a :class:`Survey` yields wherever enough has been done for one turn of
an event loop.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from supervisor_tx.values import field, frozen

#: A process that is supervised: its group's name and its own.
Key: TypeAlias = tuple[str, str]


class Row(NamedTuple):
    """One process of the table. Times are in seconds."""

    pid: int
    parent: int
    #: process group and session
    group: int
    session: int
    #: when it began, on a clock that all rows share: tells one process from the next of that pid
    started: float
    #: CPU time that it has used itself
    cpu: float
    #: CPU time of the children that it has waited for, and of theirs
    reaped: float
    #: bytes of memory that are in RAM
    rss: int
    #: it has ended, and nobody has waited for it yet
    zombie: bool = False

    def is_same(self, other: Row | None) -> bool:
        """Tell whether these are two looks at one process, not at two with the same pid."""
        return other is not None and self.pid == other.pid and self.started == other.started


class Tree(NamedTuple):
    """A program's processes at one time; the root is one of the members."""

    root: Row
    members: dict[int, Row]

    @property
    def rss(self) -> int:
        """The memory of all members, in bytes; what they share counts for each of them."""
        return sum(row.rss for row in self.members.values())

    @property
    def living(self) -> int:
        """How many processes there are that have not ended."""
        return sum(not row.zombie for row in self.members.values())


@frozen
class Look:
    """The trees as they were found at one time."""

    trees: Mapping[Key, Tree] = field(default_factory=dict)
    #: when the youngest process of the whole table began
    youngest: float = 0.0


class Survey:
    """One look in the making: rows are added, then the trees are put together."""

    def __init__(self, before: Look | None) -> None:
        """``before`` is the last look, if there is one that still counts."""
        self._before = before or Look()
        self._rows: dict[int, Row] = {}
        self._children: dict[int, list[Row]] = {}
        self._youngest = 0.0

    def add(self, row: Row) -> None:
        """Take in a process; where a pid comes twice, the first row counts."""
        if self._rows.setdefault(row.pid, row) is row:
            self._children.setdefault(row.parent, []).append(row)
            self._youngest = max(self._youngest, row.started)

    def find(self, pid: int) -> Row | None:
        """Return the row of a process."""
        return self._rows.get(pid)

    def trees(self, roots: Mapping[Key, int], slice: int) -> Generator[None, None, Look]:
        """
        Return the trees of those roots that are in the table.

        Yields each time that about ``slice`` rows were handled.
        """
        found: dict[Key, Tree] = {}
        owners: dict[int, dict[int, Row]] = {}
        for key, pid in roots.items():
            root = self._rows.get(pid)
            if root is not None:
                owners[pid] = members = {pid: root}
                found[key] = Tree(root, members)
        yield
        yield from self._descend(list(owners), owners, (self._children,), slice)
        yield from self._adopt(found, owners, slice)
        return Look(found, self._youngest)

    def _adopt(
        self, found: Mapping[Key, Tree], owners: dict[int, dict[int, Row]], slice: int
    ) -> Generator[None, None, None]:
        """Find the members that no parent tells of."""
        groups: dict[int, list[Row]] = {}
        sessions: dict[int, list[Row]] = {}
        for number, row in enumerate(self._rows.values(), start=1):
            if row.pid not in owners:
                groups.setdefault(row.group, []).append(row)
                sessions.setdefault(row.session, []).append(row)
            if number % slice == 0:
                yield
        if not groups:
            return
        leaders = [pid for pid in owners if pid in groups or pid in sessions]
        remembered = []
        for key, tree in found.items():
            before = self._before.trees.get(key)
            if before is None or not tree.root.is_same(before.root):
                continue
            for pid, member in before.members.items():
                now = self._rows.get(pid)
                if now is not None and now.is_same(member):
                    remembered.append((now, tree))
                elif now is None:
                    # Its number is given to no other process while it names a group or a session.
                    remembered += [(row, tree) for row in groups.get(pid, ())]
                    remembered += [(row, tree) for row in sessions.get(pid, ())]
        yield
        by_all = (groups, sessions, self._children)
        yield from self._descend(leaders, owners, by_all, slice)
        for row, tree in remembered:
            if row.pid not in owners:
                owners[row.pid] = tree.members
                tree.members[row.pid] = row
                yield from self._descend([row.pid], owners, by_all, slice)

    def _descend(
        self,
        pending: list[int],
        owners: dict[int, dict[int, Row]],
        ways: Iterable[Mapping[int, list[Row]]],
        slice: int,
    ) -> Generator[None, None, None]:
        """Follow the ways from members to whoever belongs to nobody yet, to their ends."""
        ways = tuple(ways)
        handled = 0
        while pending:
            pid = pending.pop()
            members = owners[pid]
            for way in ways:
                for row in way.get(pid, ()):
                    if row.pid not in owners:
                        owners[row.pid] = members
                        members[row.pid] = row
                        pending.append(row.pid)
            handled += 1
            if handled % slice == 0:
                yield


def used(before: Look | None, tree: Tree, key: Key) -> float | None:
    """
    Return the seconds of CPU that a tree used since the last look.

    None where that cannot be told, as the program ran then and was not looked at.
    """
    if before is None:
        return None
    earlier = before.trees.get(key)
    if earlier is None or not tree.root.is_same(earlier.root):
        if not _is_new(tree.root, before):
            return None
        earlier = Tree(tree.root, {})
    settled = _settled(earlier, tree)
    total = 0.0
    for pid, row in tree.members.items():
        was = earlier.members.get(pid)
        if was is not None and row.is_same(was):
            total += max(0.0, row.cpu - was.cpu)
            total += max(0.0, row.reaped - was.reaped - settled.get(pid, 0.0))
        elif _is_new(row, before):
            total += row.cpu + row.reaped
    return total


def _is_new(row: Row, before: Look) -> bool:
    """Tell whether a process began after a look; what was overlooked then is none of these."""
    return row.started >= before.youngest


def _settled(earlier: Tree, tree: Tree) -> dict[int, float]:
    """
    Return what was counted before and has gone to somebody's account since.

    By the pid of the nearest ancestor that is still there. If nobody waited for those that have
    ended, it is more than what has arrived there.
    """
    settled: dict[int, float] = {}
    for pid, gone in earlier.members.items():
        if gone.is_same(tree.members.get(pid)):
            continue
        heir, steps = gone.parent, 0
        while heir in earlier.members and steps < len(earlier.members):
            if earlier.members[heir].is_same(tree.members.get(heir)):
                settled[heir] = settled.get(heir, 0.0) + gone.cpu + gone.reaped
                break
            heir, steps = earlier.members[heir].parent, steps + 1
    return settled
