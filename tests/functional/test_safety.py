"""What protects a real daemon from pages of others, and what old links still do, from outside."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urlencode

from tests.functional.harness import Daemon, FunctionalTestCase, free_port, until
from tests.functional.proxy import nginx
from tests.functional.test_http import RPC, UNIX, Client

PROGRAM = "[program:p]\ncommand=cat\nautostart=false\n"

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
}


class Answer(NamedTuple):
    code: int
    headers: dict[str, str]
    body: str

    @property
    def message(self) -> str:
        """What an old link has led to."""
        return unquote(self.headers["location"].partition("message=")[2])

    @property
    def token(self) -> str:
        """That of the first form on a page."""
        return str(re.findall(r'name="token" value="([^"]+)"', self.body)[0])


class SafetyTestCase(FunctionalTestCase):
    def started(self, config: str) -> Daemon:
        daemon = self.daemon(config)
        daemon.wait_for("supervisord started with pid")
        return daemon

    def ask(
        self,
        address: Path | int,
        uri: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Get something, or post a form."""
        client = Client(address)
        body = b"" if form is None else urlencode(form).encode()
        fields = {"Host": f"127.0.0.1:{address}", **(headers or {})}
        if form is not None:
            fields["Content-Type"] = "application/x-www-form-urlencoded"
            fields["Content-Length"] = str(len(body))
        lines = [f"{'GET' if form is None else 'POST'} {uri} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        client.send("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            code, found, data = client.answer()
        finally:
            client.close()
        return Answer(code, found, data.decode())

    def stops(self, address: Path | int, **headers: str) -> Answer:
        """Ask for a stop of ``p`` with a form, as a browser does."""
        return self.ask(
            address,
            "/index.html",
            {"action": "stop", "processname": "p"},
            {**BROWSER, **{name.replace("_", "-"): text for name, text in headers.items()}},
        )


NOT_RUNNING = "unexpected rpc fault [70] NOT_RUNNING: p"


class TcpTests(SafetyTestCase):
    """On a port that only this machine reaches, without a password."""

    def setUp(self) -> None:
        super().setUp()
        self.port = free_port()
        self.server = f"[inet_http_server]\nport=127.0.0.1:{self.port}\n"
        self.host = f"127.0.0.1:{self.port}"

    def test_cross_site_form(self) -> None:
        """A form of another site does nothing, and the page that follows says what to do."""
        self.started(self.server + PROGRAM)
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
            {"Origin": f"http://127.0.0.1:{self.port + 1}", "Sec_Fetch_Site": "same-site"},
            {"Origin": "null"},
        ):
            with self.subTest(headers=headers):
                answer = self.stops(self.port, **headers)
                self.assertEqual(answer.code, 403)
                self.assertIn("A page from another site made your browser send this.", answer.body)
                self.assertIn("Do it on a page of this daemon.", answer.body)
                self.assertIn("frame-ancestors", answer.headers["content-security-policy"])
        answer = self.stops(self.port, Origin=f"http://{self.host}")
        self.assertEqual((answer.code, answer.message), (301, NOT_RUNNING))

    def test_actions(self) -> None:
        """The buttons of our own pages need the token as well."""
        self.started(self.server + PROGRAM)
        own = {**BROWSER, "Origin": f"http://{self.host}", "Sec-Fetch-Site": "same-origin"}
        page = self.ask(self.port, "/", headers=BROWSER)
        self.assertEqual(page.code, 200)
        for form, headers, code in (
            ({"stop": "p"}, own, 403),
            ({"stop": "p", "token": "x" * 64}, own, 403),
            ({"stop": "p", "token": page.token}, own, 303),
            ({"stop": "p", "token": page.token}, {**own, "Sec-Fetch-Site": "cross-site"}, 403),
            ({"stop": "p"}, {}, 303),
        ):
            with self.subTest(form=form, headers=headers):
                answer = self.ask(self.port, "/actions", form, headers)
                self.assertEqual(answer.code, code, answer.body)

    def test_script(self) -> None:
        """The script of a page is told in JSON that it needs a token."""
        self.started(self.server + PROGRAM)
        headers = {"Accept": "application/json", "Origin": f"http://{self.host}"}
        answer = self.ask(self.port, "/actions", {"stop": "p"}, headers)
        self.assertEqual((answer.code, answer.headers["content-type"]), (403, "application/json"))
        self.assertIn("load the page again", answer.body)
        headers["X-Supervisor-Token"] = self.ask(self.port, "/").token
        self.assertEqual(self.ask(self.port, "/actions", {"stop": "p"}, headers).code, 200)

    def test_links(self) -> None:
        """A link does nothing where it may be from elsewhere; a button on the page does it then."""
        self.started(self.server + PROGRAM)
        link = "/index.html?action=stop&processname=p"
        for headers in (
            BROWSER,
            {"Sec-Fetch-Site": "cross-site", **BROWSER},
            {"Referer": "https://evil.example/", **BROWSER},
            {"Sec-Fetch-Site": "none", "Sec-Purpose": "prefetch;prerender", **BROWSER},
        ):
            with self.subTest(headers=headers):
                refused = self.ask(self.port, link, headers=headers)
                self.assertEqual(refused.code, 403)
                form = {"action": "stop", "processname": "p", "token": refused.token}
                own = {**BROWSER, "Origin": f"http://{self.host}"}
                confirmed = self.ask(self.port, link, form, own)
                self.assertEqual((confirmed.code, confirmed.message), (301, NOT_RUNNING))
        for headers in (
            {},
            {"User-Agent": "curl/8.5.0", "Accept": "*/*"},
            {"Sec-Fetch-Site": "none", **BROWSER},
            {"Sec-Fetch-Site": "same-origin", **BROWSER},
            {"Referer": f"http://{self.host}/", **BROWSER},
        ):
            with self.subTest(headers=headers):
                answer = self.ask(self.port, link, headers=headers)
                self.assertEqual((answer.code, answer.message), (301, NOT_RUNNING))

    def test_message(self) -> None:
        """What an action has led to is shown, and not what a link from elsewhere says."""
        self.started(self.server + PROGRAM)
        for site, shown in (("same-origin", True), ("none", True), ("cross-site", False)):
            headers = {**BROWSER, "Sec-Fetch-Site": site}
            page = self.ask(self.port, "/?message=Call+%3Cb%3E0800", headers=headers).body
            self.assertEqual("Call &lt;b&gt;0800" in page, shown, site)

    def test_token_survives(self) -> None:
        """A page that was open before a restart, of the program or by HUP, goes on working."""
        daemon = self.started(self.server + PROGRAM)
        token = self.ask(self.port, "/", headers=BROWSER).token
        key = self.directory / "supervisord.key"
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertTrue(self.is_good(token))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for("supervisord started with pid", 2)
        self.assertTrue(self.is_good(token))
        daemon.stop()
        again = self.started(self.server + PROGRAM)
        self.assertTrue(until(lambda: self.reached() and self.is_good(token)))
        again.configure(f"{self.server}username=u\npassword=p\n{PROGRAM}")
        again.signal(signal.SIGHUP)
        again.wait_for("supervisord started with pid")
        until(lambda: self.ask(self.port, "/ok.html").code == 401)
        right = {"Authorization": "Basic dTpw"}
        self.assertFalse(self.is_good(token, right))
        self.assertTrue(
            self.is_good(self.ask(self.port, "/", headers={**BROWSER, **right}).token, right)
        )

    def reached(self) -> bool:
        with suppress(OSError, EOFError):
            return self.ask(self.port, "/ok.html").code == 200
        return False

    def is_good(self, token: str, headers: Mapping[str, str] | None = None) -> bool:
        """Tell whether a token lets a browser do something."""
        own = {**BROWSER, "Origin": f"http://{self.host}", **(headers or {})}
        answer = self.ask(self.port, "/actions", {"stop": "p", "token": token}, own)
        self.assertIn(answer.code, (303, 403))
        return answer.code == 303

    def test_key_unusable(self) -> None:
        """Where the key cannot be kept all works, and a line tells what will not."""
        (self.directory / "supervisord.key").mkdir()
        daemon = self.started(self.server + PROGRAM)
        token = self.ask(self.port, "/", headers=BROWSER).token
        daemon.wait_for("WARN the key of the web pages cannot be kept in .*supervisord.key")
        self.assertTrue(self.is_good(token))

    def test_left_alone(self) -> None:
        """A daemon that only programs talk to leaves no key behind."""
        daemon = self.started(self.server + PROGRAM)
        self.assertEqual(self.ask(self.port, "/index.html?action=refresh").code, 301)
        daemon.stop()
        self.assertNotIn("supervisord.key", os.listdir(self.directory))

    def test_rebinding(self) -> None:
        """A stranger's name that leads here is refused, whatever it asks for."""
        daemon = self.started(self.server + RPC + PROGRAM)
        evil = {"Host": f"evil.example:{self.port}", "Sec-Fetch-Site": "same-origin"}
        for uri in ("/", "/logtail/p", "/mainlogtail", "/api/v1/processes", "/index.html?action=x"):
            for headers in (evil, {**evil, **BROWSER}):
                answer = self.ask(self.port, uri, headers=headers)
                self.assertEqual(answer.code, 403, uri)
                self.assertIn("allowed_hosts=evil.example in [inet_http_server]", answer.body)
        self.assertEqual(self.ask(self.port, "/RPC2", {"x": "y"}, evil).code, 403)
        daemon.wait_for("WARN .*refuses requests for the host evil.example:")
        for host in (f"localhost:{self.port}", self.host, f"[::1]:{self.port}", "sup"):
            self.assertEqual(self.ask(self.port, "/ok.html", headers={"Host": host}).code, 200)

    def test_allowed_hosts(self) -> None:
        """Names that the configuration allows are let in, others are not, by HUP from now on."""
        daemon = self.started(self.server)
        name = {"Host": "sup.example"}
        self.assertEqual(self.ask(self.port, "/ok.html", headers=name).code, 403)
        daemon.configure(f"{self.server}allowed_hosts=a.example, *.example\n")
        daemon.signal(signal.SIGHUP)
        until(lambda: self.ask(self.port, "/ok.html", headers=name).code == 200)
        self.assertEqual(self.ask(self.port, "/ok.html", headers={"Host": "x.org"}).code, 403)

    def test_headers(self) -> None:
        """Pages and JSON may not be framed, sniffed, kept or used by others."""
        self.started(self.server + PROGRAM)
        for uri in (
            *("/", "/index.html", "/config", "/log", "/processes/p", "/tail.html?processname=p"),
            *("/nothing", "/processes/nobody", "/api/v1/processes", "/api/v1/nothing"),
        ):
            with self.subTest(uri=uri):
                headers = self.ask(self.port, uri, headers=BROWSER).headers
                policy = headers["content-security-policy"]
                self.assertIn("default-src 'none'", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertNotIn("unsafe", policy)
                self.assertEqual(headers["x-content-type-options"], "nosniff")
                self.assertEqual(headers["x-frame-options"], "DENY")
                self.assertEqual(headers["cache-control"], "no-store")
                self.assertEqual(headers["referrer-policy"], "same-origin")
                self.assertEqual(headers["cross-origin-resource-policy"], "same-origin")

    def test_download(self) -> None:
        """A log that is downloaded is saved, and never shown as something else."""
        self.started(f"{self.server}[program:p]\ncommand=sh -c 'echo \"<b>\"; exec cat'\n")
        page = self.ask(self.port, "/processes/p", headers=BROWSER).body
        [link] = re.findall(r'<a[^>]*href="([^"]*)"[^>]*>Download<', page)
        place = f"/{unescape(link).replace('../', '')}"
        until(lambda: self.ask(self.port, place, headers=BROWSER).body == "<b>\n")
        headers = self.ask(self.port, place, headers=BROWSER).headers
        self.assertRegex(headers["content-disposition"], r'\Aattachment; filename="[\w.-]+"\Z')
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("html", headers["content-type"])

    def test_nothing_inline(self) -> None:
        """No page needs what the policy forbids, and all that it links to is there."""
        self.started(self.server + PROGRAM)
        for uri in ("/", "/config", "/log", "/processes/p", "/tail.html?processname=p"):
            page = self.ask(self.port, uri, headers=BROWSER).body
            self.assertEqual(re.findall(r"<style|\sstyle=|\son\w+=|javascript:", page), [], uri)
            self.assertEqual(re.findall(r"<script(?![^>]*\ssrc=)", page), [], uri)
            found = re.findall(r'(?:src|href)="([^"]*static/[^"]*)"', page)
            for link in found:
                path = "/" + link.replace("../", "").removeprefix("./")
                answer = self.ask(self.port, path)
                self.assertEqual(answer.code, 200, f"{uri}: {link}")
                self.assertIn("immutable", answer.headers["cache-control"])


class UnixTests(SafetyTestCase):
    """On a unix socket, where a proxy may stand in front."""

    def setUp(self) -> None:
        super().setUp()
        self.socket = self.directory / "x.sock"

    def through(self, port: int, prefix: str) -> None:
        """Use the page through the proxy, as a browser does, and as somebody else's page would."""
        page = self.ask(port, f"{prefix}/", headers=BROWSER)
        self.assertEqual(page.code, 200)
        [style, *_] = re.findall(r'rel="stylesheet" href="([^"]+)"', page.body)
        style = style if style.startswith("/") else f"{prefix}/{style.removeprefix('./')}"
        self.assertEqual(self.ask(port, style).code, 200)
        form = {"stop": "p", "token": page.token}
        own = {**BROWSER, "Origin": f"http://127.0.0.1:{port}"}
        done = self.ask(port, f"{prefix}/actions", form, own)
        self.assertEqual(done.code, 303, done.body)
        place = done.headers["location"].partition("?")[0]
        self.assertIn(place, ("./", f"{prefix}/"))
        without = self.ask(port, f"{prefix}/actions", {"stop": "p"}, own)
        self.assertEqual(without.code, 403)
        foreign = {**own, "Sec-Fetch-Site": "cross-site"}
        self.assertEqual(self.ask(port, f"{prefix}/actions", form, foreign).code, 403)
        old = self.ask(port, f"{prefix}/index.html?action=stop&processname=p")
        self.assertEqual(old.message, NOT_RUNNING)

    def test_any_name(self) -> None:
        """Whatever name the proxy has, pages work: the token tells."""
        self.started(UNIX + PROGRAM)
        self.through(nginx(self, self.directory), "")

    def test_below_a_path(self) -> None:
        """Below a path that the proxy cuts off, without being told of it."""
        self.started(UNIX + PROGRAM)
        self.through(nginx(self, self.directory, "/sup/", "http://daemon/"), "/sup")

    def test_path_kept(self) -> None:
        """Below a path that the proxy leaves as it is, with base_url."""
        port = free_port()
        self.started(f"{UNIX}base_url=http://127.0.0.1:{port}/sup\n{PROGRAM}")
        port = nginx(self, self.directory, "/sup/", "http://daemon")
        form = {"stop": "p", "token": self.ask(port, "/sup/", headers=BROWSER).token}
        other = {**BROWSER, "Origin": f"http://127.0.0.1:{port}"}
        self.assertEqual(self.ask(port, "/sup/actions", form, other).code, 403)
        own = {**BROWSER, "Sec-Fetch-Site": "same-origin"}
        done = self.ask(port, "/sup/actions", form, own)
        self.assertEqual((done.code, done.headers["location"][:7]), (303, "/sup/?m"))
        self.assertEqual(self.ask(self.socket, "/config", headers=BROWSER).code, 200)


class LikeStockTests(FunctionalTestCase):
    """Old links next to those of stock Supervisor."""

    def test_messages(self) -> None:
        """Each link leads to the same text; but for the time, which is not looked at."""
        daemons = self.both(
            f"{UNIX}{RPC}"
            "[program:cat]\ncommand=cat\n"
            "[group:g]\nprograms=one,two\n[program:one]\ncommand=cat\n[program:two]\ncommand=cat\n"
            "[program:nofile]\ncommand=/no/such/file\nautostart=false\n"
            "[program:noexec]\ncommand=/etc/passwd\nautostart=false\n"
            "[program:quick]\ncommand=sh -c 'exit 3'\nautostart=false\nstartretries=0\n"
            "[program:none]\ncommand=cat\nstdout_logfile=NONE\n"
            "[program:odd]\ncommand=cat\nprocess_name=a<b>&\u00e9\n"
        )
        for daemon in daemons:
            daemon.wait_for("success", 5)
        for form in FORMS:
            with self.subTest(form=form):
                theirs, ours = (self.told(daemon, form) for daemon in daemons)
                self.assertEqual(ours, theirs)

    def told(self, daemon: Daemon, form: Mapping[str, str]) -> tuple[object, ...]:
        found = []
        for posted in (False, True):
            client = Client(daemon.directory / "x.sock")
            body = urlencode(form, quote_via=quote)
            if posted:
                data = f"POST / HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            else:
                data = f"GET /index.html?{body} HTTP/1.1\r\n\r\n"
            failures = len(daemon.lines("gave up: quick"))
            client.send(data.encode())
            code, headers, answer = client.answer()
            client.close()
            if form.get("processname") == "quick":  # until then it can be taken for started
                daemon.wait_for("gave up: quick", failures + 1)
            text = headers["location"].partition("/?message=")[2]
            when = "%20at%20"
            found.append(
                (
                    code,
                    text.partition(when)[0] if when in text else text,
                    answer,
                    {name: headers.get(name) for name in ("cache-control", "expires", "pragma")},
                )
            )
        return tuple(found)

    def test_tails(self) -> None:
        """Each tail has the same title, the same text and the same link."""
        daemons = self.both(
            f"{UNIX}{RPC}"
            "[program:p]\ncommand=sh -c 'seq 1000 && echo \"<b>\" && exec sleep 1000'\n"
            "[program:none]\ncommand=cat\nstdout_logfile=NONE\n"
            "[group:g]\nprograms=one\n[program:one]\ncommand=cat\nautostart=false\n"
        )
        for daemon in daemons:
            daemon.wait_for("success: p")
        for query in TAILS:
            with self.subTest(query=query):
                theirs, ours = (self.tail(daemon, query) for daemon in daemons)
                self.assertEqual(ours, theirs)

    def tail(self, daemon: Daemon, query: str) -> tuple[object, ...]:
        client = Client(daemon.directory / "x.sock")
        client.send(f"GET /tail.html{query} HTTP/1.1\r\n\r\n".encode())
        code, headers, data = client.answer()
        client.close()
        page = data.decode()
        return (
            code,
            headers["content-type"].replace(" ", ""),
            re.findall(r"<title>(.*)</title>", page),
            [unescape(text) for text in re.findall(r"(?s)<pre[^>]*>\n?(.*?)</pre>", page)],
            re.findall(r'href="((?:\./)?tail\.html[^"]*)"', page),
        )


#: What is asked of both, in this order.
FORMS: tuple[Mapping[str, str], ...] = (
    {"action": "refresh"},
    {"action": "start", "processname": "cat"},
    {"action": "stop", "processname": "cat"},
    {"action": "stop", "processname": "cat"},
    {"action": "start", "processname": "cat"},
    {"action": "restart", "processname": "cat"},
    {"action": "clearlog", "processname": "cat"},
    {"action": "clearlog", "processname": "nofile"},
    {"action": "clearlog", "processname": "none"},
    {"action": "start", "processname": "nofile"},
    {"action": "start", "processname": "noexec"},
    {"action": "start", "processname": "quick"},
    {"action": "restart", "processname": "quick"},
    {"action": "start", "processname": "nobody"},
    {"action": "other", "processname": "nobody"},
    {"action": "start", "processname": "g"},
    {"action": "start", "processname": "g:*"},
    {"action": "stop", "processname": "g:one"},
    {"action": "start", "processname": "g:one"},
    {"action": "stop", "processname": "odd:a<b>&\u00e9"},
    {"action": "stop", "processname": "odd:a<b>&\u00e9/+ "},
    {"action": "refresh", "processname": "nobody"},
    {"action": "stopall", "processname": "nobody"},
    {"action": "restartall"},
)

TAILS = (
    *("", "?processname=", "?processname=nobody", "?processname=none", "?processname=g"),
    *("?processname=g:*", "?processname=p", "?processname=p&limit=3", "?processname=p&limit=2000"),
    *("?processname=p&limit=x", "?processname=p&limit=-5", "?processname=p&limit=100000"),
    *("?processname=g:one", "?processname=a%3Cb%26", "?processname=nobody&limit=1025"),
)
