"""What the page of all processes shows: data, rows and the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.core.events import ProcessStateEvent
from supervisor_tx.core.figures import Figure, History
from supervisor_tx.core.lifecycle import AutoRestart
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.values import replace
from supervisor_tx.web.pages import status
from supervisor_tx.web.pages.status import Row, View, arrange
from supervisor_tx.web.pages.table import Moment, row, table
from tests.rpc.stage import group, program
from tests.web.pages.stage import PageTestCase, by_class, by_id, text, tree

IDLE = Row(
    name="web",
    group="web",
    state=S.RUNNING,
    pid=12,
    since=1000,
    story="",
    tries="",
    next_try=0,
    needs_attention=False,
)

HOSTILE = '<i onclick="x">&'


def some(name: str, state: S = S.RUNNING, group: str | None = None, **changes: object) -> Row:
    """A row of a process."""
    wrong = state in (S.FATAL, S.BACKOFF)
    made = replace(IDLE, name=name, group=group or name, state=state, needs_attention=wrong)
    return replace(made, **changes)


def names(shown: status.Status) -> list[str]:
    """All names on a page, from above to below."""
    rows = [*shown.attention, *(row for section in shown.sections for row in section.rows)]
    return [row.namespec for row in rows]


def figure(cpu: float | None, rss: int) -> Figure:
    """Figures with a history of one sample."""
    history = History()
    history.add(cpu, rss)
    return Figure(cpu, rss, 1, history)


class ArrangeTests(SynchronousTestCase):
    def test_trouble_first(self) -> None:
        """What is wrong comes first, the worst above, whatever its group."""
        rows = [
            some("a"),
            some("b", S.BACKOFF, "g"),
            some("c", S.RUNNING, "g"),
            some("d", S.EXITED, needs_attention=True),
            some("e", S.STOPPED),
            some("z", S.FATAL),
        ]
        shown = arrange(rows, View(), {})
        self.assertEqual([each.name for each in shown.attention], ["z", "b", "d"])
        self.assertEqual(names(shown), ["z", "g:b", "d", "a", "e", "g:c"])
        self.assertEqual(shown.counts[S.RUNNING], 2)

    def test_retried_keeps_its_place(self) -> None:
        """One that is being started again stands where it stood while it waited for that."""
        for state in (S.BACKOFF, S.STARTING):
            rows = [
                some("a", state, needs_attention=True),
                some("b", S.EXITED, needs_attention=True),
            ]
            self.assertEqual(names(arrange(rows, View(), {})), ["a", "b"], state)

    def test_groups(self) -> None:
        """A group is headed by its name; processes that are their own group stand before them."""
        rows = [some("a"), some("b", group="g"), some("c", group="h"), some("h")]
        shown = arrange(rows, View(), {})
        self.assertEqual(
            [(each.group, each.is_group) for each in shown.sections],
            [("a", False), ("g", True), ("h", True)],
        )

    def test_group_of_trouble(self) -> None:
        """A group of which all is wrong stays, with what is known of it, for its buttons."""
        shown = arrange([some("a", S.FATAL, "g"), some("b", S.FATAL, "g")], View(), {})
        [section] = shown.sections
        self.assertEqual((section.is_group, section.rows), (True, []))
        self.assertEqual(section.counts, Counter({S.FATAL: 2}))

    def test_filter(self) -> None:
        """All words have to be in the name, or to begin the state; case does not matter."""
        rows = [some("api", group="web"), some("jobs", S.FATAL, "web"), some("other", S.STOPPED)]
        for wanted, found in (
            ("", ["web:jobs", "other", "web:api"]),
            ("WEB", ["web:jobs", "web:api"]),
            ("web fat", ["web:jobs"]),
            ("b:a", ["web:api"]),
            ("stop", ["other"]),
            ("unning", []),
        ):
            self.assertEqual(names(arrange(rows, View(wanted), {})), found, wanted)

    def test_orders(self) -> None:
        """In another order than by name the groups are gone, and what is wrong is still first."""
        rows = [
            some("a", since=30, pid=3),
            some("b", S.STOPPED, since=0, pid=0),
            some("c", group="g", since=10, pid=1),
            some("d", S.FATAL, since=0, pid=0),
            some("e", since=20, pid=2),
        ]
        figures = {("a", "a"): figure(1.0, 50), ("e", "e"): figure(7.5, 20)}
        for order, found in (
            ("uptime", ["d", "g:c", "e", "a", "b"]),
            ("pid", ["d", "g:c", "e", "a", "b"]),
            ("state", ["d", "b", "a", "g:c", "e"]),
            ("cpu", ["d", "e", "a", "b", "g:c"]),
            ("memory", ["d", "a", "e", "b", "g:c"]),
        ):
            self.assertEqual(names(arrange(rows, View(order=order), figures)), found, order)

    def test_only(self) -> None:
        """Some rows can be asked for; what is wrong, and the counts of their groups, come along."""
        rows = [some("a", group="g"), some("b", group="g"), some("c"), some("d", S.FATAL)]
        shown = status.only(arrange(rows, View(), {}), {"g:a", "h:gone"})
        self.assertEqual(names(shown), ["d", "g:a"])
        self.assertEqual([each.group for each in shown.sections], ["g"])

    def test_title(self) -> None:
        """The title says what is wrong before what is not."""
        counts = Counter({S.RUNNING: 5, S.FATAL: 1, S.BACKOFF: 2})
        self.assertEqual(
            status.title(counts, "shop"), "1 FATAL, 2 BACKOFF, 5 RUNNING \N{EN DASH} shop"
        )
        self.assertEqual(status.title(Counter(), "shop"), "No processes \N{EN DASH} shop")

    def test_query(self) -> None:
        """A view is what its query asks for."""
        self.assertEqual(View().query, "")
        self.assertEqual(View("a b&", "cpu").query, "?filter=a+b%26&sort=cpu")


class RowTests(SynchronousTestCase):
    def shown(self, each: Row, now: float = 4600, **changes: object) -> Mapping[str, Element]:
        """The cells of a row, by their first class."""
        moment = replace(Moment(now, {}), **changes)
        made = tree(row(each, moment, names_group=True))
        self.assertEqual(made.get("data-process"), each.namespec)
        return {cell.get("class", ""): cell for cell in made}

    def test_running(self) -> None:
        """One that runs shows how long, by which pid, and what it takes."""
        cells = self.shown(some("a", group="g"), figures={("g", "a"): figure(2.5, 1 << 20)})
        self.assertEqual(text(cells["state"]), "RUNNING")
        self.assertEqual(text(cells["name"]), "g: a")
        self.assertEqual(text(cells["up"]).replace("\u202f", " "), "1 h 0 min")
        self.assertEqual(cells["up"].get("data-since"), "1000")
        self.assertEqual(text(cells["pid"]), "12")
        self.assertEqual(text(cells["cpu"]), "2.5 %")
        self.assertEqual(text(cells["memory"]), "1.0 MiB")
        buttons = cells["acts"].findall("button")
        self.assertEqual([each.get("name") for each in buttons], ["restart", "stop"])
        self.assertEqual({each.get("value") for each in buttons}, {"g:a"})
        self.assertEqual(buttons[0].get("aria-label"), "Restart g:a")

    def test_trouble(self) -> None:
        """One that is wrong shows why, how often, when it is tried again, and what it has said."""
        wrong = some("a", S.BACKOFF, story="exit 3", tries="2 of 4 tries failed", next_try=4607)
        cells = self.shown(wrong, said={("a", "a"): "cannot connect"})
        self.assertEqual(
            text(cells["story"]).replace("\u202f", " "),
            "exit 3 2 of 4 tries failed next try in 7 s cannot connect",
        )
        [due] = by_class(cells["story"], "next")
        self.assertEqual(due.get("data-at"), "4607")
        self.assertEqual([text(each) for each in cells["acts"]], ["Try now", "Give up"])

    def test_buttons_stay(self) -> None:
        """One that is tried again and again keeps its buttons meanwhile."""
        waiting = self.shown(some("a", S.BACKOFF))["acts"]
        trying = self.shown(some("a", S.STARTING, needs_attention=True))["acts"]
        self.assertEqual([text(each) for each in waiting], [text(each) for each in trying])

    def test_all_states(self) -> None:
        """Each state has its word, and no button that would be refused for sure."""
        for state in S:
            cells = self.shown(some("a", state))
            self.assertEqual(text(cells["state"]), state.name)
            actions = {each.get("name") for each in cells["acts"]}
            self.assertEqual("start" in actions, state in (S.STOPPED, S.EXITED, S.FATAL))

    def test_markup(self) -> None:
        """Names and stories with markup in them are shown as text."""
        hostile = some(HOSTILE, S.FATAL, story=HOSTILE, tries=HOSTILE)
        cells = self.shown(hostile, said={(HOSTILE, HOSTILE): HOSTILE})
        self.assertEqual(text(cells["name"]), HOSTILE)
        self.assertEqual(text(cells["story"]), " ".join([HOSTILE] * 3))
        [link] = cells["name"].iter("a")
        self.assertEqual(link.get("href"), "processes/%3Ci%20onclick%3D%22x%22%3E%26")

    def test_slash(self) -> None:
        """A name is one segment of an address, whatever is in it."""
        [link] = self.shown(some("a/b?c#d", group="g"))["name"].iter("a")
        self.assertEqual(link.get("href"), "processes/g:a%2Fb%3Fc%23d")

    def test_table(self) -> None:
        """The table has one body for what is wrong and one for each group, and proper headings."""
        rows = [some("a", group=HOSTILE), some("b", group=HOSTILE), some("c"), some("d", S.FATAL)]
        made = tree(table(arrange(rows, View(order="name"), {}), Moment(0, {})))
        bodies = made.findall("tbody")
        self.assertEqual(
            [(body.get("id"), body.get("data-group")) for body in bodies],
            [("attention", None), (None, "c"), (None, "d"), (None, HOSTILE)],
        )
        self.assertEqual(
            {each.get("scope") for each in made.iter("th")}, {"col", "row", "rowgroup"}
        )
        [sorted_by] = [each for each in made.iter("th") if each.get("aria-sort")]
        self.assertEqual((text(sorted_by), sorted_by.get("aria-sort")), ("Name", "ascending"))
        widths = {sum(int(cell.get("colspan", 1)) for cell in each) for each in made.iter("tr")}
        self.assertEqual(widths, {10})


class PageTests(PageTestCase):
    """The page as it is answered."""

    def test_page(self) -> None:
        """All processes, with what they are called by and what can be done."""
        self.run_groups(
            group("web", program("api", autostart=True), program("jobs")), group("<b>bold")
        )
        self.clock.advance(2)
        page = self.page("/")
        self.assertEqual(text(page.find(".//title")), "2 STOPPED, 1 RUNNING \N{EN DASH} test")
        rows = by_class(page, "process")
        self.assertEqual(
            [each.get("data-process") for each in rows], ["<b>bold", "web:api", "web:jobs"]
        )
        self.assertEqual(text(rows[0].find("th")), "<b>bold")
        form = by_id(page, "actions")
        self.assertEqual((form.get("method"), form.get("action")), ("post", "./actions"))
        self.assertTrue(form.find("input[@name='token']").get("value"))  # type: ignore[union-attr]
        [head] = by_class(page, "head")
        self.assertEqual(text(by_class(head, "told")[0]), "1 stopped, 1 running")

    def test_landmarks(self) -> None:
        """There are a header, a navigation, a main part and a footer; the first link leads on."""
        page = self.page("/")
        body = page.find("body")
        assert body is not None
        self.assertEqual([each.tag for each in body], ["a", "header", "main", "footer"])
        self.assertEqual(body[0].get("href"), "#main")
        [here] = [each for each in page.iter("a") if each.get("aria-current")]
        self.assertEqual(text(here), "Status")
        labels = {each.get("for") for each in page.iter("label")}
        for field in page.iter("input"):
            if field.get("type") in ("search", "text"):
                self.assertIn(field.get("id"), labels)

    def test_no_programs(self) -> None:
        """Where there is nothing the page says what to do."""
        page = self.page("/")
        self.assertIn("There are no programs. Add some to /conf", text(page))
        self.assertEqual(page.findall(".//*[@id='processes']"), [])

    def test_trouble(self) -> None:
        """What is wrong is on top, with the reason and the next try."""
        self.run_groups(group("web"), group("bad", program("bad", autostart=True, startsecs=5)))
        self.child("bad").exit(3)
        self.turn()
        page = self.page("/")
        attention = by_id(page, "attention")
        [wrong] = by_class(attention, "process")
        self.assertEqual(wrong.get("data-process"), "bad")
        told = text(by_class(wrong, "story")[0]).replace("\u202f", " ")
        self.assertRegex(
            told, r"^exit 3 within 5 s of its start 1 of 4 tries failed next try in \d s"
        )
        self.assertIn("icon-alarm.svg", by_id(page, "icon").get("href", ""))
        self.assertEqual(text(page.find(".//title")), "1 BACKOFF, 1 STOPPED \N{EN DASH} test")

    def test_given_up(self) -> None:
        """One that ended as it should not have, and is left alone, needs somebody too."""
        self.run_groups(group("job", program("job", autostart=True, autorestart=AutoRestart.NEVER)))
        self.clock.advance(2)
        self.child("job").exit(4)
        self.turn()
        [wrong] = by_class(by_id(self.page("/"), "attention"), "process")
        self.assertEqual(text(by_class(wrong, "why")[0]), "exit 4")
        self.press(("start", "job"), seconds=1)
        self.child("job").exit(0)
        self.turn()
        self.assertEqual(by_class(by_id(self.page("/"), "attention"), "process"), [])

    def test_last_words(self) -> None:
        """What one in trouble has said last is told, of stderr rather than of stdout."""
        logs = {}
        for name in ("stdout", "stderr"):
            path = self.directory / name
            path.write_text(f"first\n\x1b[31mlast of {name}\x1b[m\n\n")
            logs[name] = replace(program("x").stdout, logfile=str(path))
        self.run_groups(group("bad", program("bad", autostart=True, startsecs=5, **logs)))
        self.child("bad").exit(3)
        self.turn()
        [said] = by_class(self.page("/"), "said")
        self.assertEqual(text(said), "last of stderr")
        (self.directory / "stderr").write_text("")
        [said] = by_class(self.page("/"), "said")
        self.assertEqual(text(said), "last of stdout")

    def test_words_of_others(self) -> None:
        """What stands on a terminal or in a file that all print to may be anybody's."""
        with open(self.directory / "everybody", "w+") as file:
            file.write("another one says\n")
            file.flush()
            log = replace(program("x").stdout, logfile=f"/dev/fd/{file.fileno()}")
            bad = program("bad", autostart=True, startsecs=5, stdout=log, stderr=log)
            self.run_groups(group("bad", bad))
            self.child("bad").exit(3)
            self.turn()
            [said] = by_class(self.page("/"), "said")
            self.assertEqual(text(said), "")

    def test_filter(self) -> None:
        """The filter works without scripts; what is filled in is shown as text."""
        self.run_groups(group("web", program("api"), program("jobs")), group("other"))
        page = self.page("/?filter=jobs&sort=pid")
        self.assertEqual(
            [each.get("data-process") for each in by_class(page, "process")], ["web:jobs"]
        )
        page = self.page("/?filter=%22%3E%3Cscript%3E")
        self.assertEqual(by_id(page, "filter").get("value"), '"><script>')
        self.assertIsNone(by_id(page, "nothing").get("hidden"))
        self.assertEqual(self.ask("/?sort=nonsense").code, 200)

    def test_rows(self) -> None:
        """The script asks for the rows that have changed, and gets what changes with them."""
        self.run_groups(group("web", program("api"), program("jobs")), group("other"))
        page = self.page("/rows?process=web:jobs&process=gone")
        self.assertEqual(
            [each.get("data-process") for each in by_class(page, "process")], ["web:jobs"]
        )
        for name in ("attention", "counts", "daemon", "icon"):
            by_id(page, name)

    def test_event(self) -> None:
        """A page tells of which event it is true, and events are kept from then on."""
        body = self.page("/").find("body")
        assert body is not None
        self.daemon.broadcast.attach(self.daemon.supervisor.bus)
        body = self.page("/").find("body")
        assert body is not None
        before = body.get("data-event", "")
        self.daemon.supervisor.bus.tell(ProcessStateEvent("a", "a", S.STOPPED, S.STARTING))
        number = self.daemon.broadcast.number_of(before)
        assert number is not None
        self.assertEqual(self.daemon.broadcast.kept.last, number + 1)

    def test_message(self) -> None:
        """What has come of an action is told as text; an error looks like one."""
        said = by_id(self.page("/?message=%3Cb%3Edone"), "message")
        self.assertEqual((text(said), said.get("class")), ("<b>done", "message"))
        said = by_id(self.page("/index.html?message=ERROR%3A+no"), "message")
        self.assertEqual((text(said), said.get("class")), ("ERROR: no", "message failed"))

    def test_shutting_down(self) -> None:
        """During a shutdown the page says so."""
        self.run_groups(group("web", program("web", autostart=True)))
        self.clock.advance(2)
        self.daemon.begin_shutdown()
        page = self.page("/", 503)
        self.assertIn("going down", text(page))

    def test_unix_socket(self) -> None:
        """A server that its socket protects needs no warning."""
        self.assertEqual(by_class(self.page("/"), "banner"), [])


class OpenServerTests(PageTestCase):
    """A server without a password that can be reached from outside."""

    server = ServerConfig("inet_http_server:x", address=("", 9001))

    def test_warning(self) -> None:
        """The page says that anybody may do anything, and what to do about it."""
        [banner] = by_class(self.page("/"), "banner")
        self.assertIn("No password.", text(banner))
        self.assertIn("[inet_http_server:x]", text(banner))


class BehindProxyTests(PageTestCase):
    """A server that browsers reach below a path."""

    server = ServerConfig("unix_http_server", file="/s", base_url="https://example.com/sup/")

    def test_links(self) -> None:
        """All links, and those of rows, begin with the path."""
        self.run_groups(group("web"))
        page = self.page("/sup/")
        links = [each.get("href", "") for each in page.iter("a")]
        inner = [link for link in links if not link.startswith(("#", "?"))]
        self.assertIn("/sup/processes/web", inner)
        self.assertEqual([link for link in inner if not link.startswith("/sup/")], [])
