"""The page of the configuration, as somebody sees and uses it in a browser."""

from __future__ import annotations

from tests.functional.browser import CONTROL, GONE, BrowserTestCase, sleeper
from tests.functional.harness import Daemon


class ConfigTestCase(BrowserTestCase):
    def changed(self, daemon: Daemon, programs: str) -> None:
        """Write another configuration to disk."""
        daemon.configure(self.server + CONTROL + programs)


class PlanTests(ConfigTestCase):
    def test_apply(self) -> None:
        """A change on disk appears, with what it would do and why; a button does it."""
        daemon = self.serve(sleeper("api") + sleeper("job") + sleeper("web"))
        self.open()
        self.assertFalse(self.tab.is_shown("#daemon .changed"))
        self.changed(daemon, sleeper("api") + sleeper("web", "stopwaitsecs=7") + sleeper("new"))
        self.tab.until_text("#daemon .changed", "^changed on disk")
        self.tab.leave_by("#daemon .changed")
        self.until_live()
        self.assertEqual(self.plan(), {"job": "remove group", "web": "change", "new": "add group"})
        self.assertEqual(
            self.tab.texts("#plan tr:has([data-action=change]) li :is(.option, del, ins)"),
            ["stopwaitsecs", "10", "7"],
        )
        self.tab.click("[name=config][value=apply]")
        self.tab.until_text("#message", "^3 changes applied.$")
        self.tab.until_text("#comparison", "There is nothing to apply.")
        self.assertEqual(
            self.client.call("supervisor.getProcessInfo", "new")["statename"], "RUNNING"
        )
        self.assertEqual(self.client.call("supervisor.getProcessInfo", "job")[:2], ("fault", 10))
        self.assertEqual(len(daemon.lines("spawned: 'web'")), 1)

    def plan(self) -> dict[str, str]:
        """What would happen to what."""
        return dict(
            self.tab.value(
                "all('#plan tbody tr').map((row) => [row.querySelector('.name').innerText,"
                " row.querySelector('[data-action]').dataset.action])"
            )
        )

    def test_live(self) -> None:
        """The plan is there, changes and goes as the files on disk do."""
        daemon = self.serve(sleeper("api"))
        self.open("config")
        self.tab.until_text("#comparison", "There is nothing to apply.")
        self.changed(daemon, sleeper("api") + sleeper("new"))
        self.tab.until("one('#plan')")
        self.assertEqual(self.plan(), {"new": "add group"})
        self.changed(daemon, sleeper("api"))
        self.tab.until_text("#comparison", "There is nothing to apply.")

    def test_errors(self) -> None:
        """What is wrong on disk is told with its place, all at once, until it is mended."""
        daemon = self.serve(sleeper("api"))
        self.open()
        self.changed(daemon, sleeper("api", "priority=first", "stopsignal=NONE") + "[program:x]\n")
        self.tab.until_text("#daemon .changed", "has errors")
        self.tab.leave_by("#daemon .changed")
        self.until_live()
        self.assertEqual(self.tab.count("#problems tbody tr"), 3)
        self.assertRegex(self.tab.text("#problems tbody"), r"supervisord\.conf:[0-9]+")
        self.assertIn("priority", self.tab.text("#problems"))
        self.assertFalse(self.tab.is_shown("[value=apply]"))
        self.changed(daemon, sleeper("api"))
        self.tab.until("!one('#problems')")

    def test_without_scripts(self) -> None:
        """A form applies it."""
        self.tab.without_scripts()
        daemon = self.serve(sleeper("api"))
        self.changed(daemon, sleeper("api") + sleeper("new"))
        self.tab.open(self.url)
        self.tab.leave_by("#daemon .changed")
        self.tab.leave_by("[name=config][value=apply]")
        self.assertEqual(self.tab.text("#message"), "1 change applied.")
        self.assertIn("There is nothing to apply.", self.tab.text("#comparison"))
        self.assertEqual(
            self.client.call("supervisor.getProcessInfo", "new")["statename"], "RUNNING"
        )


class DaemonTests(ConfigTestCase):
    def test_reopen(self) -> None:
        """Logs are opened anew."""
        daemon = self.serve(sleeper("api"))
        self.open("config")
        daemon.logfile.rename(daemon.directory / "old.log")
        self.tab.click("#daemon-actions summary")
        self.tab.click("[name=daemon][value=reopen]")
        self.tab.until_text("#message", "^All logs are opened anew.$")
        self.assertTrue(daemon.logfile.exists())

    def test_shutdown(self) -> None:
        """The daemon ends by a button that one has to look for; the page goes on to say so."""
        self.expected = GONE
        daemon = self.serve(sleeper("api"))
        self.open("config")
        self.assertFalse(self.tab.is_shown("[name=daemon]"))
        self.tab.click("#daemon-actions summary")
        self.tab.click("[name=daemon][value=shutdown]")
        self.tab.until_text("#message", "^The daemon stops everything and ends.$")
        self.assertEqual(daemon.wait(), 0)
        self.tab.until_text("#link", "^connection lost")
