"""What a real browser lets others do to our pages, and who it lets in."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from selenium.webdriver.common.keys import Keys

from tests.functional.browser import CONTROL, BrowserTestCase, sleeper
from tests.functional.proxy import nginx


class _Pages(BaseHTTPRequestHandler):
    """Shows pages that are given."""

    pages: Mapping[str, str]

    def do_GET(self) -> None:
        page = self.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write((page or "").encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class ForeignTests(BrowserTestCase):
    """Pages of somebody else, on another port of this host and on another name for it."""

    def setUp(self) -> None:
        super().setUp()
        self.serve(sleeper("p"))
        self.pages = {"/favicon.ico": ""}
        handler = type("Pages", (_Pages,), {"pages": self.pages})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_address[1]
        self.others = (f"http://127.0.0.1:{port}/", f"http://evil.localhost:{port}/")

    @property
    def state(self) -> object:
        return self.client.call("supervisor.getProcessInfo", "p")["statename"]

    def test_form(self) -> None:
        """A form on a page from elsewhere is refused by a page that says what to do."""
        self.expected = ("403",)
        self.pages["/"] = (
            f'<form method="post" action="{self.url}actions">'
            '<input name="token" value="guessed"><button name="stop" value="p">Win</button></form>'
        )
        for other in self.others:
            with self.subTest(other=other):
                self.tab.open(other)
                self.tab.leave_by("button")
                self.assertIn(
                    "A page from another site made your browser send this.", self.tab.text("h1")
                )
                self.assertIn("Do it on a page of this daemon.", self.tab.text("main"))
                self.assertEqual(self.state, "RUNNING")
                self.tab.leave_by("main a")
                self.assertEqual(self.tab.count(".process"), 1)

    def test_stale(self) -> None:
        """A form of our own page without its token is refused; loaded again, it works."""
        self.expected = ("403",)
        self.tab.without_scripts()
        self.tab.open(self.url)
        self.tab.script("document.querySelectorAll('[name=token]').forEach((e) => e.value = 'x')")
        self.tab.leave_by(".process [name=stop]")
        self.assertIn("did not come with the token", self.tab.text("h1"))
        self.assertEqual(self.state, "RUNNING")
        self.tab.driver.back()
        self.tab.driver.refresh()
        self.tab.leave_by(".process [name=stop]")
        self.assertEqual(self.state, "STOPPED")

    def test_link(self) -> None:
        """An old link on a page from elsewhere asks first; who means it presses the button."""
        self.expected = ("403",)
        link = f"{self.url}index.html?action=stop&amp;processname=p"
        self.pages["/"] = f'<a href="{link}">Win</a>'
        self.tab.open(self.others[0])
        self.tab.leave_by("a")
        self.assertEqual(self.state, "RUNNING")
        self.assertEqual(self.tab.text("main button"), "stop p")
        self.tab.leave_by("main button")
        self.assertEqual(self.tab.text("#message"), "Process p stopped")
        self.assertEqual(self.state, "STOPPED")

    def test_ahead(self) -> None:
        """Pictures, scripts and frames that lead here do nothing, and show nothing."""
        self.expected = ("403", "frame", "ERR_BLOCKED", "NotSameOrigin", "MIME")
        link = f"{self.url}index.html?action=stop&amp;processname=p"
        self.pages["/"] = (
            f'<img src="{link}"><script src="{link}"></script><iframe src="{self.url}"></iframe>'
            "<p>all is loaded</p>"
        )
        self.tab.open(self.others[1])
        self.tab.until_text("p", "all is loaded")
        self.assertEqual(self.state, "RUNNING")
        self.assertFalse(self.tab.value("one('iframe').contentDocument"))

    def test_fetch(self) -> None:
        """A script from elsewhere can neither read what we show nor do anything."""
        self.expected = ("403", "CORS", "ERR_FAILED", "NotSameOrigin", "ERR_BLOCKED")
        self.pages["/"] = "<p>evil</p>"
        self.tab.open(self.others[1])
        for mode in ("cors", "no-cors"):
            for path in ("", "api/v1/processes", "actions"):
                with self.subTest(mode=mode, path=path):
                    got = self.tab.script(
                        "return fetch(arguments[0], {method: arguments[1], mode: arguments[2],"
                        " body: arguments[1] === 'POST' ? new URLSearchParams({stop: 'p'}) : null})"
                        ".then((answer) => answer.text(), () => '')",
                        self.url + path,
                        "POST" if path == "actions" else "GET",
                        mode,
                    )
                    self.assertEqual(got, "")
        self.assertEqual(self.state, "RUNNING")

    def test_message(self) -> None:
        """What a link from elsewhere would have our page say is not said."""
        self.pages["/"] = f'<a href="{self.url}?message=Call+555-EVIL">Win</a>'
        self.tab.open(self.others[1])
        self.tab.leave_by("a")
        self.assertEqual(self.tab.count(".process"), 1)
        self.assertNotIn("EVIL", self.tab.text("body"))


class PasswordTests(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.server += "username=ada\npassword=l0velace\n"
        self.serve(sleeper("p"))

    def test_right(self) -> None:
        """Who knows the password sees all, live, and can act."""
        self.tab.log_in("ada", "l0velace")
        self.open()
        self.assertFalse(self.tab.is_shown(".banner"))
        self.tab.click(".process [name=stop]")
        self.tab.until("one('.process [data-state]').dataset.state === 'STOPPED'")

    def test_in_address(self) -> None:
        """A name and a password in the address do as well, and are not in the way of scripts."""
        self.tab.open(self.url.replace("//", "//ada:l0velace@"))
        self.until_live()
        self.tab.click(".process [name=stop]")
        self.tab.until("one('.process [data-state]').dataset.state === 'STOPPED'")
        self.client.call("supervisor.startProcess", "p")
        self.tab.until("one('.process [data-state]').dataset.state === 'RUNNING'")
        self.tab.fill("#filter", "q")
        self.tab.until("one('.process').hidden && location.search === '?filter=q'")
        self.tab.press(Keys.ESCAPE)
        self.tab.until("!one('.process').hidden && location.search === ''")
        self.tab.leave_by(".process .name a")
        self.until_live()
        self.tab.until("one('#follow').ariaPressed === 'true'")
        self.client.call("supervisor.stopProcess", "p")
        self.tab.until("one('#process [data-state]').dataset.state === 'STOPPED'")

    def test_wrong(self) -> None:
        """Who does not gets to see nothing, but is asked by the browser."""
        self.expected = ("401",)
        self.tab.log_in("ada", "wrong")
        self.tab.open(self.url)
        self.assertEqual(self.tab.text("body"), "")
        self.tab.log_in("ada", "l0velace")
        self.open()
        self.assertEqual(self.tab.count(".process"), 1)


class ProxyTests(BrowserTestCase):
    def uses(self, page: str) -> None:
        """Use all that there is, through the proxy."""
        self.serve(sleeper("p"))
        self.tab.open(page)
        self.until_live()
        self.assertNotEqual(self.tab.style(".state[data-state]", "font-family"), "serif")
        self.tab.click(".process [name=stop]")
        self.tab.until("one('.process [data-state]').dataset.state === 'STOPPED'")
        self.client.call("supervisor.startProcess", "p")
        self.tab.until("one('.process [data-state]').dataset.state === 'RUNNING'")
        self.tab.fill("#filter", "q")
        self.tab.until("one('.process').hidden && location.search === '?filter=q'")
        self.tab.press(Keys.ESCAPE)
        self.tab.until("!one('.process').hidden && location.search === ''")
        self.tab.leave_by(".process .name a")
        self.assertTrue(self.tab.url.startswith(f"{page}processes/"))
        self.until_live()
        self.tab.leave_by("nav [href*=config]")
        self.assertTrue(self.tab.url.startswith(f"{page}config"))
        self.until_live()
        self.tab.leave_by("header .brand")
        self.assertEqual(self.tab.url, page)

    def test_prefix(self) -> None:
        """Below a path that a proxy cuts off, without being told."""
        port = nginx(self, self.directory, "/ops/", "http://daemon/")
        self.uses(f"http://127.0.0.1:{port}/ops/")

    def test_base_url(self) -> None:
        """Below a path that a proxy leaves as it is, with base_url."""
        port = nginx(self, self.directory, "/ops/", "http://daemon")
        self.control = CONTROL.replace(
            "x.sock\n", f"x.sock\nbase_url=http://127.0.0.1:{port}/ops/\n"
        )
        self.uses(f"http://127.0.0.1:{port}/ops/")
