"""Whose a process is, and what the processes of a program used together."""

from __future__ import annotations

import random
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.processtree import Key, Look, Row, Survey, used

A: Key = ("a", "a")
B: Key = ("b", "b")

#: pids of the table that most tests begin with: init, the daemon, its two programs
INIT, DAEMON, ROOT_A, ROOT_B = 1, 50, 100, 200
ROOTS = {A: ROOT_A, B: ROOT_B}


def row(
    pid: int,
    parent: int,
    *,
    group: int | None = None,
    session: int = DAEMON,
    started: float | None = None,
    cpu: float = 0.0,
    reaped: float = 0.0,
    rss: int = 1,
    zombie: bool = False,
) -> Row:
    return Row(
        pid,
        parent,
        parent if group is None else group,
        session,
        pid if started is None else started,
        cpu,
        reaped,
        rss,
        zombie,
    )


def machine(*rows: Row) -> list[Row]:
    """The daemon with two programs, and what else there is; rows given replace ours."""
    known = [
        row(INIT, 0, group=INIT, session=INIT),
        row(DAEMON, INIT, group=DAEMON),
        row(ROOT_A, DAEMON, group=ROOT_A),
        row(ROOT_B, DAEMON, group=ROOT_B),
    ]
    given = {each.pid for each in rows}
    return [*(each for each in known if each.pid not in given), *rows]


def look(
    rows: list[Row],
    before: Look | None = None,
    roots: Mapping[Key, int] = ROOTS,
    slice: int = 100,
) -> Look:
    """Do all of a survey."""
    survey = Survey(before)
    for each in rows:
        survey.add(each)
    steps = survey.trees(roots, slice)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: Look = end.value
            return found


def pids(found: Look, key: Key = A) -> set[int]:
    return set(found.trees[key].members)


class BelongingTests(SynchronousTestCase):
    def test_alone(self) -> None:
        """A program without children is its root."""
        found = look(machine())
        self.assertEqual(pids(found), {ROOT_A})
        self.assertEqual(pids(found, B), {ROOT_B})

    def test_descendants(self) -> None:
        """Children and their children belong to it, whatever groups and sessions they are in."""
        rows = machine(
            row(101, ROOT_A, group=ROOT_A),
            row(102, 101, group=102),
            row(103, 102, group=103, session=103),
            row(201, ROOT_B),
        )
        found = look(rows)
        self.assertEqual(pids(found), {ROOT_A, 101, 102, 103})
        self.assertEqual(pids(found, B), {ROOT_B, 201})

    def test_lost_parent(self) -> None:
        """Who is left over by a parent that ended is still in the group of the root."""
        rows = machine(row(102, INIT, group=ROOT_A), row(103, 102, group=103))
        self.assertEqual(pids(look(rows)), {ROOT_A, 102, 103})

    def test_lost_leader_of_a_group(self) -> None:
        """The same for a group, or a session, that a descendant has begun."""
        rows = machine(
            row(101, ROOT_A, group=101, session=101),
            row(102, INIT, group=101, session=101),
            row(103, INIT, group=103, session=101),
        )
        self.assertEqual(pids(look(rows)), {ROOT_A, 101, 102, 103})

    def test_daemon_in_the_making(self) -> None:
        """Who was a member, and then hides from all of that, stays one; so do its children."""
        before = look(machine(row(101, ROOT_A)))
        rows = machine(
            row(101, INIT, group=101, session=101),
            row(102, 101, group=102, session=101),
        )
        self.assertEqual(pids(look(rows, before)), {ROOT_A, 101, 102})
        self.assertEqual(pids(look(rows)), {ROOT_A})

    def test_remembered_for_good(self) -> None:
        """That holds for as long as the process lives."""
        found = look(machine(row(101, ROOT_A)))
        for _ in range(3):
            found = look(machine(row(101, INIT, group=101, session=101)), found)
        self.assertEqual(pids(found), {ROOT_A, 101})

    def test_leader_that_was_a_member(self) -> None:
        """A group whose leader was a member, and has ended, belongs to the program."""
        before = look(machine(row(101, ROOT_A, group=101)))
        rows = machine(row(102, INIT, group=101))
        self.assertEqual(pids(look(rows, before)), {ROOT_A, 102})

    def test_pid_used_again(self) -> None:
        """A process that has the pid of one that was a member is not taken for it."""
        before = look(machine(row(101, ROOT_A)))
        rows = machine(row(101, INIT, group=101, session=101, started=1000))
        self.assertEqual(pids(look(rows, before)), {ROOT_A})

    def test_new_run(self) -> None:
        """What an earlier run has left behind does not belong to the next."""
        before = look(machine(row(101, ROOT_A)))
        rows = machine(
            row(150, DAEMON, group=150),
            row(101, INIT, group=101, session=101),
        )
        self.assertEqual(pids(look(rows, before, {A: 150})), {150})

    def test_parent_comes_first(self) -> None:
        """A member of one program that has joined the group of another stays with its parent."""
        rows = machine(row(101, ROOT_A, group=ROOT_B))
        found = look(rows)
        self.assertEqual(pids(found), {ROOT_A, 101})
        self.assertEqual(pids(found, B), {ROOT_B})

    def test_not_there(self) -> None:
        """A program that the table does not show has no tree."""
        found = look(machine(), roots={A: ROOT_A, B: 999})
        self.assertEqual(found.trees.keys(), {A})

    def test_impossible(self) -> None:
        """Parents in a circle, as a table that is read in pieces may show them, end nowhere."""
        rows = machine(row(101, ROOT_A), row(102, 103), row(103, 102), row(104, 104))
        self.assertEqual(pids(look(rows)), {ROOT_A, 101})

    def test_twice(self) -> None:
        """A pid that is listed twice is one process."""
        rows = [*machine(row(101, ROOT_A, rss=5)), row(101, ROOT_B, rss=7)]
        found = look(rows)
        self.assertEqual(found.trees[A].rss, 6)
        self.assertEqual(pids(found, B), {ROOT_B})

    def test_sums(self) -> None:
        """Memory is summed up; a zombie is no process any more."""
        rows = machine(row(101, ROOT_A, rss=10), row(102, ROOT_A, rss=0, zombie=True))
        tree = look(rows).trees[A]
        self.assertEqual((tree.rss, tree.living), (11, 2))

    @given(st.integers(0, 2**32), st.integers(1, 300))
    def test_slices(self, seed: int, slice: int) -> None:
        """However small the slices, what is found is the same, and no slice is much larger."""
        generator = random.Random(seed)
        rows = machine()
        for pid in range(300, 600):
            leader = generator.choice((pid, ROOT_A, ROOT_B, DAEMON, pid - 1))
            rows.append(row(pid, generator.choice(rows).pid, group=leader))
        self.assertEqual(look(rows, slice=slice), look(rows, slice=10**6))
        survey = Survey(None)
        for each in rows:
            survey.add(each)
        steps = sum(1 for _ in survey.trees(ROOTS, slice))
        self.assertGreaterEqual(steps, len(rows) // slice)


class CpuTests(SynchronousTestCase):
    def spent(self, before: list[Row], after: list[Row], roots: Mapping[Key, int]) -> float | None:
        first = look(before)
        return used(first, look(after, first, roots).trees[A], A)

    def test_table(self) -> None:
        """What counts for a program, from one look to the next."""
        cases: dict[str, tuple[list[Row], list[Row], float | None]] = {
            "its own": ([row(100, 50, cpu=5)], [row(100, 50, cpu=7)], 2),
            "its children's": (
                [row(101, 100, cpu=1), row(102, 101, cpu=2)],
                [row(101, 100, cpu=2), row(102, 101, cpu=4)],
                3,
            ),
            "a new child's": ([], [row(300, 100, cpu=3, reaped=1)], 4),
            "a child that had been overlooked": ([], [row(99, 100, cpu=1000)], 0),
            "children that came and went": ([], [row(100, 50, reaped=3)], 3),
            "a child that went, less what had counted": (
                [row(100, 50, reaped=1), row(101, 100, cpu=10, reaped=2)],
                [row(100, 50, reaped=1 + 10 + 2 + 5)],
                5,
            ),
            "a whole branch that went": (
                [row(101, 100, cpu=10), row(102, 101, cpu=20)],
                [row(100, 50, reaped=32)],
                2,
            ),
            "a child that nobody waited for": (
                [row(101, 100, cpu=10)],
                [row(100, 50, cpu=1)],
                1,
            ),
            "a pid used again": (
                [row(101, 100, cpu=10)],
                [row(101, 100, cpu=1, started=1000), row(100, 50, reaped=12)],
                3,
            ),
            "a restart": ([], [row(100, 50, started=500, cpu=4)], 4),
            "clocks that go backwards": ([row(100, 50, cpu=5)], [row(100, 50, cpu=4)], 0),
        }
        for name, (before, after, expected) in cases.items():
            self.assertEqual(self.spent(machine(*before), machine(*after), ROOTS), expected, name)

    def test_first(self) -> None:
        """Of a program that is seen for the first time it cannot be told."""
        first = look(machine())
        self.assertIs(used(None, first.trees[A], A), None)
        other = look(machine(), roots={B: ROOT_B})
        self.assertIs(used(other, first.trees[A], A), None)

    def test_started_meanwhile(self) -> None:
        """One that was started since is told from the first look on."""
        first = look(machine())
        second = look(machine(row(300, DAEMON, cpu=2)), first, {A: 300})
        self.assertEqual(used(first, second.trees[A], A), 2)


class Machine:
    """Processes that fork, work and end, and a count of what those of the program have done."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows = {each.pid: each for each in machine()}
        self.latest = 1000
        self.done = 0.0

    def members(self) -> list[Row]:
        return [each for pid, each in self.rows.items() if pid == ROOT_A or pid >= 1000]

    def act(self, may_lose: bool) -> None:
        one = self.random.choice(self.members())
        what = self.random.choice(("fork", "work", "work", "end"))
        if what == "fork":
            self.latest += 1
            self.rows[self.latest] = row(self.latest, one.pid, group=ROOT_A)
        elif what == "work":
            seconds = self.random.randint(1, 9)
            self.done += seconds
            self.rows[one.pid] = one._replace(cpu=one.cpu + seconds)
        elif one.pid != ROOT_A:
            self.end(one, may_lose)

    def end(self, one: Row, may_lose: bool) -> None:
        children = [each for each in self.rows.values() if each.parent == one.pid]
        if children and not may_lose:
            return
        for child in children:
            self.rows[child.pid] = child._replace(parent=INIT)
        del self.rows[one.pid]
        parent = self.rows[one.parent]
        if not may_lose or self.random.random() < 0.5:
            reaped = parent.reaped + one.cpu + one.reaped
            self.rows[parent.pid] = parent._replace(reaped=reaped)


class AccountTests(SynchronousTestCase):
    @given(st.integers(0, 2**32), st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def test_all_accounted(self, seed: int, turns: list[int]) -> None:
        """Where parents wait for their children, every second counts, and once."""
        self.run_machine(seed, turns, may_lose=False)

    @given(st.integers(0, 2**32), st.lists(st.integers(0, 30), min_size=1, max_size=4))
    def test_never_too_much(self, seed: int, turns: list[int]) -> None:
        """Where they do not, some may be missing, but nothing counts twice."""
        self.run_machine(seed, turns, may_lose=True)

    def run_machine(self, seed: int, turns: list[int], *, may_lose: bool) -> None:
        world = Machine(seed)
        before = look(list(world.rows.values()))
        for count in turns:
            world.done = 0.0
            for _ in range(count):
                world.act(may_lose)
            now = look(list(world.rows.values()), before)
            self.assertEqual(set(now.trees[A].members), {each.pid for each in world.members()})
            found = used(before, now.trees[A], A)
            assert found is not None
            if may_lose:
                self.assertLessEqual(found, world.done)
                self.assertGreaterEqual(found, 0)
            else:
                self.assertEqual(found, world.done)
            before = now
