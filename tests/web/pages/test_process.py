"""The page of one process, its logs, and the activity log."""

from __future__ import annotations

from pathlib import Path

from supervisor_tx.config.model import LogConfig, ServerConfig
from supervisor_tx.values import replace
from supervisor_tx.web.auth import credentials
from supervisor_tx.web.pages import errorpage
from tests.rpc.stage import group, program
from tests.web.pages.stage import PageTestCase, by_class, by_id, place_of, text, tree

LINES = "".join(f"line {n:06} of a long log\n" for n in range(5000))


class LogTestCase(PageTestCase):
    def run_with_logs(self, name: str = "web", **options: object) -> dict[str, Path]:
        """Run a process with two logs; return their paths."""
        paths = {each: self.directory / each for each in ("stdout", "stderr")}
        logs = {each: LogConfig(logfile=str(path)) for each, path in paths.items()}
        self.run_groups(group(name, program(name, autostart=True, **logs, **options)))
        self.clock.advance(2)
        return paths


class ProcessTests(LogTestCase):
    def test_running(self) -> None:
        """It tells what it is, what befell it, and how it is configured."""
        self.run_with_logs(command="/bin/sh -c 'echo <b>'", startsecs=2)
        page = self.page(place_of("web"))
        self.assertEqual(text(page.find(".//h1")), "web RUNNING")
        self.assertIn("RUNNING web", text(page.find(".//title")))
        facts = dict(zip(map(text, page.iter("dt")), map(text, page.iter("dd")), strict=True))
        self.assertEqual(facts["Runs as"], f"process {self.process('web').pid}")
        started = self.process("web").laststart
        [since] = [
            each.get("data-since")
            for each in by_id(page, "process").iter("span")
            if each.get("data-since")
        ]
        self.assertEqual(since, str(int(started)))
        self.assertRegex(facts["Started"].replace("\u202f", " "), r"\d\d:\d\d, \d+ s ago$")
        self.assertEqual(facts["Command"], "/bin/sh -c 'echo <b>'")
        self.assertEqual(facts["Counts as running"].replace("\u202f", " "), "after 2 s")
        self.assertEqual(facts["Log of stderr"], str(self.directory / "stderr"))
        actions = [each.get("name") for each in by_id(page, "process").iter("button")]
        self.assertEqual(actions, ["restart", "stop", "clear", "signal"])

    def test_ended(self) -> None:
        """One that has ended tells how, and whether that was expected."""
        self.run_with_logs(autorestart=program("x").autorestart.NEVER)
        self.child("web").exit(4)
        self.turn()
        page = self.page(place_of("web"))
        [story] = [each for each in by_class(page, "story") if each.tag == "p"]
        self.assertEqual(text(story), "exit 4")
        facts = dict(zip(map(text, page.iter("dt")), map(text, page.iter("dd")), strict=True))
        self.assertEqual(facts["How"], "exit 4, not expected")

    def test_never_started(self) -> None:
        """One that was never started says so, and has a button for that."""
        self.run_groups(group("web", program("api")))
        page = self.page(place_of("web:api"))
        facts = dict(zip(map(text, page.iter("dt")), map(text, page.iter("dd")), strict=True))
        self.assertEqual((facts["Started"], facts["Log of stdout"]), ("never", "none"))
        self.assertIn("It has no logs.", text(page))
        [start] = by_id(page, "process").iter("button")
        self.assertEqual((start.get("name"), start.get("value")), ("start", "web:api"))

    def test_links(self) -> None:
        """Links lead up from where the page is; the form leads back to it."""
        self.run_groups(group("a/b", program("c d")))
        page = self.page(place_of("a/b:c d"))
        form = by_id(page, "process").find("form")
        assert form is not None
        self.assertEqual(form.get("action"), "../actions")
        back = {each.get("name"): each.get("value") for each in form.iter("input")}["back"]
        self.assertEqual(back, "processes/a%2Fb:c%20d")
        self.assertEqual(page.findall(".//header/a")[0].get("href"), "../")
        self.assertTrue(by_id(page, "icon").get("href", "").startswith("../static/"))

    def test_unknown(self) -> None:
        """A process that is not there is an error that says what to do."""
        page = self.page(place_of("<b>"), 404)
        self.assertIn("There is no process or group of that name.", text(page))
        self.assertEqual(page.findall(".//main//a")[0].get("href"), "../")

    def test_group(self) -> None:
        """A group is no process."""
        self.run_groups(group("web", program("api")))
        self.assertEqual(self.ask(place_of("web:*")).code, 404)

    def test_head_only(self) -> None:
        """The script of the page asks for what changes, and no log is read for it."""
        self.run_with_logs()["stdout"].write_text("said")
        page = self.page(f"{place_of('web')}?part=head")
        by_id(page, "process")
        self.assertNotIn("said", text(page))


class LogTests(LogTestCase):
    def test_end(self) -> None:
        """The end of stdout is shown first; stderr is a link away."""
        paths = self.run_with_logs()
        paths["stdout"].write_text("out <b>1\n")
        paths["stderr"].write_text("err\n")
        page = self.page(place_of("web"))
        self.assertEqual("".join(by_id(page, "log").itertext()), "out <b>1\n")
        tabs = {text(each): each for each in by_class(page, "tabs")[0].iter("a")}
        self.assertEqual(list(tabs), ["stdout", "stderr"])
        self.assertEqual(tabs["stdout"].get("aria-current"), "true")
        page = self.page(f"{place_of('web')}?log=stderr")
        self.assertEqual("".join(by_id(page, "log").itertext()), "err\n")

    def test_where_it_is(self) -> None:
        """The script is told where the stream is, and from where on to follow."""
        self.run_with_logs("a b")["stdout"].write_text("one\n")
        log = by_id(self.page(place_of("a b")), "log")
        self.assertEqual(log.get("data-stream"), "../api/v1/processes/a%20b/logs/stdout/stream")
        [piece] = by_class(log, "piece")
        self.assertEqual((piece.get("data-begin"), piece.get("data-end")), ("0", "4"))
        self.assertEqual((log.get("role"), log.get("tabindex")), ("log", "0"))

    def test_pages(self) -> None:
        """All of a long log can be reached by links, and each line is shown once."""
        self.run_with_logs()["stdout"].write_text(LINES)
        place = place_of("web")
        page = self.page(place)
        shown = "".join(by_id(page, "log").itertext())
        count = 1
        while older := by_class(page, "older"):
            page = self.page(place + older[0].get("href", "").partition("#")[0])
            shown = "".join(by_id(page, "log").itertext()) + shown
            count += 1
        self.assertEqual(shown, LINES)
        self.assertGreater(count, 3)
        page = self.page(f"{place}?from=0")
        self.assertTrue("".join(by_id(page, "log").itertext()).startswith("line 000000"))
        self.assertEqual(by_class(page, "older"), [])
        [newer] = by_class(page, "newer")
        page = self.page(place + newer.get("href", "").partition("#")[0])
        self.assertTrue(by_class(page, "older"))

    def test_search(self) -> None:
        """What is looked for is found in all of the log, and marked."""
        self.run_with_logs()["stdout"].write_text(LINES)
        place = place_of("web")
        page = self.page(f"{place}?find=LINE+001234")
        self.assertIn("Not found.", text(by_class(page, "bar")[0]))
        page = self.page(f"{place}?find=line+001234")
        [mark] = page.iter("mark")
        self.assertEqual(text(mark), "line 001234")
        self.assertEqual(by_id(page, "find").get("value"), "line 001234")
        page = self.page(f"{place}?find=1234&before=999999")
        older, newer = by_class(page, "matches")[0].iter("a")
        self.assertEqual((text(older), text(newer)), ("Older match", "Newer match"))
        page = self.page(place + newer.get("href", "").partition("#")[0])
        self.assertIn("Not found.", text(by_class(page, "bar")[0]))

    def test_search_markup(self) -> None:
        """What is looked for is text, and so is what is found."""
        self.run_with_logs()["stdout"].write_text("a <script>(x) b")
        page = self.page(f"{place_of('web')}?find=%3Cscript%3E(x)")
        self.assertEqual([text(each) for each in page.iter("mark")], ["<script>(x)"])

    def test_colours(self) -> None:
        """Colours become classes; bytes that are no text become replacement characters."""
        self.run_with_logs()["stdout"].write_bytes(b"\x1b[1;31mred\x1b[0m \xff\x00")
        log = by_id(self.page(place_of("web")), "log")
        [red] = log.iter("span")
        self.assertEqual((red.get("class"), text(red)), ("fg f1 bold", "red"))
        self.assertEqual("".join(log.itertext()), "red \ufffd")

    def test_nothing_yet(self) -> None:
        """A log that is not there yet is empty, and can be followed all the same."""
        self.run_with_logs()["stdout"].unlink()
        log = by_id(self.page(place_of("web")), "log")
        self.assertEqual("".join(log.itertext()).strip(), "")
        self.assertEqual(log.get("data-size"), "0")

    def test_unreadable(self) -> None:
        """A log that cannot be read is told of."""
        path = self.run_with_logs()["stdout"]
        path.unlink()
        path.mkdir()
        self.assertIn("The log cannot be read", text(self.page(place_of("web"))))

    def test_nonsense(self) -> None:
        """A place that makes no sense is the end."""
        self.run_with_logs()["stdout"].write_text("one\n")
        for query in ("from=x", "to=-1", "from=9" * 40, "log=main", "before=5"):
            log = by_id(self.page(f"{place_of('web')}?{query}"), "log")
            self.assertIn("".join(log.itertext()), ("one\n", ""), query)


class MainLogTests(PageTestCase):
    def test_shown(self) -> None:
        """The activity log has a page of the same kind."""
        self.daemon.logfile.write_text("INFO <b>\n")
        page = self.page("/log")
        self.assertEqual("".join(by_id(page, "log").itertext()), "INFO <b>\n")
        self.assertEqual(by_id(page, "log").get("data-stream"), "./api/v1/logs/main/stream")
        self.assertEqual(text(page.find(".//h1")), "Activity log")

    def test_no_file(self) -> None:
        """A log that goes elsewhere cannot be shown, and the page says so."""
        config = self.daemon.config
        self.daemon.config = replace(config, supervisord=replace(config.supervisord, logfile=None))
        self.assertIn("It has no log file.", text(self.page("/log")))

    def test_during_shutdown(self) -> None:
        """It can be read while the daemon is going down, when it matters."""
        self.daemon.logfile.write_text("INFO waiting\n")
        self.run_groups(group("web", program("web", autostart=True)))
        self.clock.advance(2)
        self.daemon.begin_shutdown()
        self.assertIn("INFO waiting", text(self.page("/log")))


class ErrorTests(PageTestCase):
    def test_every_error(self) -> None:
        """Each error is a page that says what is wrong, what to do, and how to go on."""
        for uri, code in (("/nothing", 404), ("/processes/gone", 404), ("/actions", 405)):
            page = self.page(uri, code)
            self.assertTrue(text(page.find(".//h1")).startswith(f"{code} "))
            self.assertIn("All processes", text(page.find("body/main")))

    def test_programs(self) -> None:
        """Who shows no pages gets none."""
        answer = self.ask("/nothing", Accept="*/*")
        self.assertEqual((answer.code, answer.headers["content-type"]), (404, "text/html"))
        self.assertIn(b"<p>Error code 404.", answer.body)

    def test_all_codes(self) -> None:
        """There are words for each status that we answer with."""
        for code in (400, 401, 403, 404, 405, 408, 411, 413, 500, 503):
            page = tree(errorpage.plain_page(code))
            self.assertTrue(text(page.find(".//p")), code)


class PasswordTests(PageTestCase):
    server = ServerConfig("inet_http_server", address=("", 9001), username="ann", password="x")

    def test_without(self) -> None:
        """Who does not know the password is asked for it, and told nothing of the daemon."""
        self.world.site.content = replace(
            self.world.site.content, credentials=credentials("ann", "x")
        )
        answer = self.ask("/")
        self.assertEqual(answer.code, 401)
        self.assertIn("www-authenticate", answer.headers)
        page = tree(answer.body.decode())
        self.assertIn("user name and a password", text(page))
        self.assertEqual(page.findall(".//header"), [])
