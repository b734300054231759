"""Forms of the pages: what their buttons do, and what is told of it."""

from __future__ import annotations

from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import Config, ServerConfig
from supervisor_tx.core.states import ProcessState as S
from supervisor_tx.errors import ConfigError, Problem
from supervisor_tx.web.pages import actions
from supervisor_tx.web.pages.actions import Order, Unclear
from supervisor_tx.web.pages.routes import PATIENCE
from tests.rpc.stage import group, program
from tests.web.pages.stage import PageTestCase, by_class, text, tree


class ReadTests(SynchronousTestCase):
    """What a form says."""

    def test_one(self) -> None:
        """A button in a row says what to do, and to whom."""
        for action in ("start", "stop", "restart", "clear"):
            order = actions.read({action: ["web:api"]})
            self.assertEqual(order, Order(action, ("web:api",)))

    def test_all(self) -> None:
        """A process that is called like a word of ours is not mistaken for it."""
        self.assertEqual(actions.read({"all": ["stop"]}), Order("stop", ("*",)))
        self.assertEqual(actions.read({"stop": ["all"]}), Order("stop", ("all",)))

    def test_selected(self) -> None:
        """With a selection, all that is selected is meant, and nothing else."""
        form = {"selected": ["signal"], "process": ["a", "b:c"], "with": ["HUP"]}
        self.assertEqual(actions.read(form), Order("signal", ("a", "b:c"), "HUP"))
        self.assertRaises(Unclear, actions.read, {"selected": ["stop"]})

    def test_row_beats_selection(self) -> None:
        """The button of a row is about that row, whatever else is selected."""
        self.assertEqual(actions.read({"stop": ["a"], "process": ["b"]}), Order("stop", ("a",)))

    def test_unclear(self) -> None:
        """A form without an action, or with an unknown one, is refused."""
        for form in ({}, {"process": ["a"]}, {"all": ["explode"]}, {"with": ["HUP"]}):
            self.assertRaises(Unclear, actions.read, form)


class ActionTests(PageTestCase):
    """What is done."""

    def run_two(self) -> None:
        self.run_groups(
            group("web", program("api", autostart=True), program("jobs", autostart=True)),
            group("other"),
        )
        self.clock.advance(1)

    def states(self) -> list[S]:
        return [self.process(name).state for name in ("web:api", "web:jobs", "other")]

    def test_start(self) -> None:
        """A process is started; the page is shown when it runs."""
        self.run_two()
        answer = self.press(("start", "other"), seconds=1)
        self.assertEqual(self.message(answer), "other started.")
        self.assertEqual(self.process("other").state, S.RUNNING)

    def test_stop_group(self) -> None:
        """A group is stopped, and nothing else."""
        self.run_two()
        answer = self.press(("stop", "web:*"))
        self.assertEqual(self.message(answer), "2 processes stopped.")
        self.assertEqual(self.states(), [S.STOPPED, S.STOPPED, S.STOPPED])

    def test_restart(self) -> None:
        """A process is restarted: another child runs."""
        self.run_two()
        before = self.child("api")
        answer = self.press(("restart", "web:api"), seconds=1)
        self.assertEqual(self.message(answer), "web:api restarted.")
        self.assertIsNot(self.child("api"), before)

    def test_selection(self) -> None:
        """A selection is sent a signal."""
        self.run_two()
        answer = self.press(
            ("process", "web:api"), ("process", "web:jobs"), ("with", "HUP"), ("selected", "signal")
        )
        self.assertEqual(self.message(answer), "2 processes signalled with HUP.")
        self.assertEqual(self.child("api").signals, ["HUP"])

    def test_stubborn(self) -> None:
        """One that does not end when it is told to can be killed at once."""
        self.run_groups(group("deaf", program("deaf", autostart=True, stopwaitsecs=900)))
        self.clock.advance(2)
        self.child("deaf").obeys = ("KILL",)
        self.assertEqual(
            self.message(self.press(("stop", "deaf"), seconds=PATIENCE)), "It is under way."
        )
        [row] = by_class(self.page("/"), "process")
        self.assertEqual(text(by_class(row, "why")[0]), "sent TERM, KILL after 15 min")
        self.assertEqual([each.get("name") for each in row.iter("button")], ["kill"])
        self.assertEqual(self.message(self.press(("kill", "deaf"))), "deaf killed.")
        self.assertEqual(self.child("deaf").signals, ["TERM", "KILL"])
        self.assertEqual(self.process("deaf").state, S.STOPPED)

    def test_all(self) -> None:
        """All that runs is stopped; then there is nothing more to do."""
        self.run_two()
        self.assertEqual(self.message(self.press(("all", "stop"))), "2 processes stopped.")
        self.assertEqual(self.message(self.press(("all", "stop"))), "There was nothing to do.")

    def test_clear(self) -> None:
        """Logs are begun anew."""
        self.run_two()
        self.assertEqual(self.message(self.press(("clear", "web:api"))), "web:api has a new log.")

    def test_problem(self) -> None:
        """Why a start has come to nothing is told."""
        self.run_groups(
            group("bad", program("bad", command="/no/such/thing", autostart=False)),
            group("quick", program("quick", startsecs=5)),
        )
        told = self.message(self.press(("start", "bad")))
        self.assertEqual(told, "ERROR: bad: can't find command '/no/such/thing'.")
        told = self.message(self.press(("start", "gone")))
        self.assertEqual(told, "ERROR: gone: no such process")

    def test_too_quick(self) -> None:
        """One that ends before it counts as running is told of with how it ended."""
        self.run_groups(group("quick", program("quick", startsecs=5)))
        process = self.process("quick")

        class Quick:
            """Ends at the first sign of life."""

            def __init__(self, page: ActionTests) -> None:
                self.page = page

            def __call__(self) -> None:
                if process.state is S.STARTING and process.pid:
                    process.watchers.remove(self)
                    self.page.clock.callLater(0, self.page.child("quick").exit, 3)

        process.watchers.append(Quick(self))
        told = self.message(self.press(("start", "quick"))).replace("\u202f", " ")
        self.assertEqual(told, "ERROR: quick could not be started: exit 3 within 5 s of its start.")

    def test_many_problems(self) -> None:
        """Of many problems some are told, and how many more there are."""
        bad = [program(f"p{n}", command=f"/no/{n}") for n in range(6)]
        self.run_groups(group("web", *bad, program("good")))
        answer = self.press(("start", "web:*"), seconds=1)
        told = self.message(answer)
        self.assertTrue(told.startswith("ERROR: web:good started. web:p0: can't find"), told)
        self.assertTrue(told.endswith("And so 3 more."), told)

    def test_bad_signal(self) -> None:
        """A signal that does not exist is told of."""
        self.run_two()
        answer = self.press(("with", "FOO"), ("signal", "web:api"))
        self.assertEqual(self.message(answer), "ERROR: there is no signal FOO")

    def test_patience(self) -> None:
        """What takes long goes on while the page is shown."""
        self.run_groups(group("slow", program("slow", startsecs=60)))
        answer = self.press(("start", "slow"), seconds=PATIENCE)
        self.assertEqual(self.message(answer), "It is under way.")
        self.clock.advance(60)
        self.assertEqual(self.process("slow").state, S.RUNNING)

    def test_late_problem(self) -> None:
        """What goes wrong when nobody waits any more harms nobody."""
        self.run_groups(group("slow", program("slow", startsecs=60)))
        self.press(("start", "slow"), seconds=PATIENCE)
        self.child("slow").exit(1)
        self.turn()
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(self.process("slow").state, S.BACKOFF)

    def test_script(self) -> None:
        """A script is told what has come of it, and stays on its page."""
        self.run_two()
        answer = self.press(("stop", "web:api"), Accept="application/json")
        self.assertEqual(answer.code, 200)
        self.assertEqual(answer.headers["content-type"], "application/json")
        self.assertEqual(answer.body, b'{"message": "web:api stopped.", "ok": true}')
        answer = self.press(("start", "gone"), Accept="application/json")
        self.assertEqual(answer.body, b'{"message": "gone: no such process", "ok": false}')


class BackTests(PageTestCase):
    """Where a form leads back to."""

    def place(self, back: str) -> str:
        answer = self.press(("all", "stop"), back=back)
        self.assertEqual(answer.code, 303)
        return answer.headers["location"].partition("message=")[0]

    def test_ours(self) -> None:
        """It leads to the page that it was on, with what was asked for there."""
        for back, place in (
            ("", "./?"),
            ("?filter=a&sort=cpu", "./?filter=a&sort=cpu&"),
            ("processes/web:api", "./processes/web:api?"),
            ("processes/a%2Fb?log=stderr", "./processes/a%2Fb?log=stderr&"),
            ("config", "./config?"),
            ("log", "./log?"),
        ):
            self.assertEqual(self.place(back), place)

    def test_elsewhere(self) -> None:
        """It never leads to somebody else, nor out of the header."""
        for back in (
            "//example.com/",
            "https://example.com/",
            "/\\example.com",
            "processes/../../x",
            "processes/a\r\nX-Y: z",
            "?a=b\r\nX-Y: z",
            "javascript:alert(1)",
            "rows",
        ):
            self.assertEqual(self.place(back), "./?", back)


class SafetyTests(PageTestCase):
    """Who may press a button."""

    def test_no_token(self) -> None:
        """Without the token of a page nothing is done, and the page says what to do."""
        self.run_groups(group("web", program("web", autostart=True)))
        self.clock.advance(1)
        for token, site in (
            ("", "same-origin"),
            ("x", "same-origin"),
            (self.token(), "cross-site"),
        ):
            body = urlencode([("token", token), ("stop", "web")]).encode()
            answer = self.ask("/actions", "POST", body, Sec_Fetch_Site=site)
            self.assertEqual(answer.code, 403)
            self.assertIn(
                "Go back, load the page again" if site == "same-origin" else "Do it on",
                text(tree(answer.body.decode())),
            )
            self.assertEqual(self.process("web").state, S.RUNNING)

    def test_method(self) -> None:
        """A link changes nothing."""
        self.run_groups(group("web", program("web", autostart=True)))
        self.clock.advance(1)
        answer = self.ask("/actions?stop=web")
        self.assertEqual(answer.code, 405)
        self.assertEqual(self.process("web").state, S.RUNNING)


class ConfigTests(PageTestCase):
    """The page of the configuration, and what can be done there."""

    def test_nothing(self) -> None:
        """Where nothing has changed there is nothing to apply."""
        self.run_groups(group("web"))
        page = self.page("/config")
        self.assertIn("There is nothing to apply.", text(page))
        self.assertEqual(page.findall(".//button[@name='config']"), [])

    def test_plan(self) -> None:
        """What would happen is told with its reasons, and can be applied."""
        self.run_groups(group("web", program("api", autostart=True), program("gone")), group("old"))
        self.clock.advance(1)
        self.daemon.on_disk = (
            group("web", program("api", autostart=True, command="/bin/sh -c :", stopsignal=2)),
            group("new", program("new", autostart=True)),
        )
        page = self.page("/config")
        [plan] = page.findall(".//table[@id='plan']/tbody")
        self.assertEqual(
            [[text(cell) for cell in row] for row in plan],
            [
                ["old", "is stopped and removed", ""],
                ["web:gone", "is stopped and removed", ""],
                [
                    "web:api",
                    "is restarted",
                    "command /bin/sh -c true becomes /bin/sh -c : stopsignal TERM becomes INT",
                ],
                ["new", "is added", ""],
            ],
        )
        [changed] = by_class(self.page("/"), "changed")
        self.assertEqual(changed.get("href"), "./config")
        answer = self.press(("config", "apply"), back="config")
        self.assertEqual(self.message(answer), "4 changes applied.")
        self.assertEqual(sorted(self.daemon.supervisor.groups), ["new", "web"])
        told = self.message(self.press(("config", "apply"), back="config"))
        self.assertEqual(told, "There was nothing to apply.")

    def test_errors(self) -> None:
        """Errors are told with file and line; nothing is lost by an attempt to apply them."""
        self.run_groups(group("web"))
        self.daemon.mistake = ConfigError(
            [
                Problem("no number", "<web>.conf", 12, "program:web", "numprocs", "x", "a number"),
                Problem("it is broken"),
            ]
        )
        page = self.page("/config")
        [problems] = page.findall(".//table[@id='problems']/tbody")
        self.assertEqual(
            [[text(cell) for cell in row] for row in problems],
            [
                ["<web>.conf:12", "[program:web] numprocs", "no number ; expected a number"],
                ["", "", "it is broken"],
            ],
        )
        [changed] = by_class(self.page("/"), "changed")
        self.assertIn("errors", text(changed))
        told = self.message(self.press(("config", "apply"), back="config"))
        self.assertTrue(told.startswith("ERROR: <web>.conf:12: [program:web]"), told)

    def test_shutdown(self) -> None:
        """The daemon can be told to end; nothing else happens by an unknown word."""
        told = self.message(self.press(("daemon", "explode"), back="config"))
        self.assertTrue(told.startswith("ERROR: "), told)
        answer = self.press(("daemon", "shutdown"), back="config")
        self.assertEqual(answer.code, 303)
        self.assertEqual(self.daemon.supervisor.state.name, "SHUTDOWN")


class OpenServerTests(PageTestCase):
    """A server that can be reached from outside."""

    server = ServerConfig("inet_http_server", address=("::1", 9001), username="ann")

    def test_servers(self) -> None:
        """The page tells where the daemon listens, and whether a password is asked for there."""
        self.daemon.plugins = ()
        config = self.daemon.read_config()
        unix = ServerConfig("unix_http_server", file="/run/s.sock")
        self.daemon.config = Config(
            config.configfile,
            config.here,
            config.supervisord,
            servers=(self.server, unix),
        )
        told = text(self.page("/config"))
        self.assertIn("http://[::1]:9001", told)
        self.assertIn("unix:///run/s.sock without a password", told)
