"""Pages of a daemon in memory, as a browser asks for them."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from supervisor_tx.config.model import ServerConfig
from tests.rpc.stage import DaemonTestCase
from tests.web.wire import Answer, World, answers, request

BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def tree(page: str) -> Element:
    """What a page or a part of one consists of; all elements have to be closed."""
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>"))


def text(element: Element | None) -> str:
    """All text in an element, each gap between words one blank."""
    assert element is not None
    return " ".join(" ".join(element.itertext()).split())


def by_id(page: Element, name: str) -> Element:
    """The element with an id."""
    [found] = page.findall(f".//*[@id='{name}']")
    return found


def by_class(page: Element, name: str) -> list[Element]:
    """All elements with a class, in their order."""
    return [each for each in page.iter() if name in each.get("class", "").split()]


class PageTestCase(DaemonTestCase):
    """A test with a daemon in memory and somebody at a browser."""

    #: the section of the server; None: one with a unix socket
    server: ServerConfig | None = None

    def setUp(self) -> None:
        super().setUp()
        self.world = World(daemon=self.daemon, server=self.server)
        self.world.logs = self.daemon.operations  # type: ignore[assignment]

    # Asking

    def ask(
        self, uri: str, method: str = "GET", body: bytes = b"", seconds: float = 0, **headers: str
    ) -> Answer:
        """The answer to a request of a browser, when so many seconds are over."""
        wire = self.world.connect()
        headers = {**BROWSER, **headers}
        if method == "POST":
            headers["Content-Length"] = str(len(body))
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
        wire.say(request(method, uri, **headers) + body)
        self.turn()
        if seconds:
            self.assertEqual(wire.heard, b"")
            self.clock.advance(seconds)
            self.turn()
        [answer] = answers(wire.take(), method)
        return answer

    def page(self, uri: str, code: int = 200) -> Element:
        """A page."""
        answer = self.ask(uri)
        self.assertEqual(answer.code, code, answer.body)
        self.assertEqual(answer.headers["content-type"], "text/html; charset=utf-8")
        self.assertIn("default-src 'none'", answer.headers["content-security-policy"])
        return tree(answer.body.decode())

    def token(self) -> str:
        """What a form on a page sends along."""
        page = self.ask("/config").body.decode()
        found = re.search(r'name="token" value="([^"]+)"', page)
        assert found is not None
        return found[1]

    def press(
        self, *fields: tuple[str, str], back: str = "", seconds: float = 0, **headers: str
    ) -> Answer:
        """The answer to a form of ours in which a button was pressed, after so many seconds."""
        sent = [("token", self.token()), ("back", back), *fields]
        headers = {"Sec_Fetch_Site": "same-origin", **headers}
        return self.ask("/actions", "POST", urlencode(sent).encode(), seconds, **headers)

    def message(self, answer: Answer) -> str:
        """What is told on the page to which the answer to a form leads."""
        self.assertEqual(answer.code, 303, answer.body)
        place = answer.headers["location"]
        return text(by_id(self.page(place.removeprefix(".")), "message"))


def place_of(name: str) -> str:
    """The address of a process's page."""
    return f"/processes/{quote(name, safe=':')}"
