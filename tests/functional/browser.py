"""
A real browser, headless, that looks at pages of a real daemon.

It takes about a second to start, so it is kept for as long as this process runs the tests; each
test has a tab of its own. What the browser complains of, errors of scripts, files that are missing
and whatever the content security policy forbids, makes the test fail that it happens in.

Tests wait for conditions; nothing is looked up before it is there. A condition is asked for in one
piece of script: an element that is held here could be replaced by the page in the meantime.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import re
import signal
import tempfile
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests import requirements
from tests.functional.harness import Daemon, FunctionalTestCase, free_port, until
from tests.functional.rpc import Client

#: Sizes of windows: of a desk, and of a small telephone.
WIDE, NARROW = (1280, 800), (375, 700)

#: What axe-core looks at: the rules of WCAG 2.2 on the levels A and AA, and good practice.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")

#: By which a test does what is then to be seen.
CONTROL = """\
[unix_http_server]
file=%(here)s/x.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

_PR_SET_PDEATHSIG = 1

#: The page has just replaced, moved or covered an element: it is looked for once more.
_MOVED = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)


def _end_with_us() -> None:
    """End the driver with the process that has started it, however that ends."""
    with suppress(AttributeError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


@cache
def _driver() -> Chrome:
    """Start the browser; it ends with this process."""
    chromium, driver = requirements.browser()
    profile = tempfile.TemporaryDirectory(
        prefix="supervisor-tx-browser-", ignore_cleanup_errors=True
    )
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in (
        "--headless=new",
        "--no-sandbox",  # which there is none of for root
        "--disable-dev-shm-usage",  # it is small in containers
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--no-first-run",
        "--force-device-scale-factor=1",
        "--lang=en",
        "--remote-debugging-pipe",  # and so it ends with the driver
        f"--user-data-dir={profile.name}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = Chrome(
        options=options,
        service=ChromeService(
            driver,
            env={**os.environ, "TMPDIR": profile.name},
            popen_kw={"preexec_fn": _end_with_us},
        ),
    )
    atexit.register(profile.cleanup)
    atexit.register(made.quit)
    return made


class Tab:
    """What somebody sees and does in one tab."""

    def __init__(self) -> None:
        self.driver = _driver()
        self.driver.switch_to.new_window("tab")
        self.size(*WIDE)
        self.complaints()  # of the test before

    def close(self) -> None:
        """Leave the tab; the browser stays open by its first one."""
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])

    def command(self, name: str, **parameters: object) -> Any:
        """Have the browser do something that a page cannot ask for (Chrome DevTools Protocol)."""
        return self.driver.execute_cdp_cmd(name, parameters)

    # How it is looked at

    def size(self, width: int, height: int) -> None:
        """Make the window so large."""
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def scheme(self, name: str) -> None:
        """Prefer ``light`` or ``dark`` colours."""
        feature = {"name": "prefers-color-scheme", "value": name}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def without_scripts(self) -> None:
        """Run no scripts of pages from the next page on."""
        self.command("Emulation.setScriptExecutionDisabled", value=True)

    def log_in(self, user: str, password: str) -> None:
        """Send a name and a password with everything."""
        credentials = b64encode(f"{user}:{password}".encode()).decode()
        self.command("Network.enable")
        self.command(
            "Network.setExtraHTTPHeaders", headers={"Authorization": f"Basic {credentials}"}
        )

    # What is on the page

    def open(self, url: str) -> None:
        """Go to an address, and wait until all is loaded."""
        self.driver.get(url)

    @property
    def url(self) -> str:
        """The address that is shown."""
        return str(self.driver.current_url)

    @property
    def title(self) -> str:
        """The title of the page."""
        return str(self.driver.title)

    def script(self, text: str, *arguments: object) -> Any:
        """Run the body of a function in the page; return what it returns."""
        return self.driver.execute_script(text, *arguments)

    def run(self, text: str) -> None:
        """Run a script in the page, of whatever origin it is."""
        found = self.command("Runtime.evaluate", expression=text)
        assert "exceptionDetails" not in found, found

    def value(self, expression: str, *arguments: object) -> Any:
        """Return the value of an expression about ``all``, elements, and ``one``, an element."""
        return self.script(
            "const all = (css) => [...document.querySelectorAll(css)];"
            "const one = (css) => document.querySelector(css);"
            f"return {expression};",
            *arguments,
        )

    def text(self, css: str) -> str:
        """Return the text of the first such element, as it is shown; empty where there is none."""
        return str(self.value("one(arguments[0])?.innerText ?? ''", css))

    def texts(self, css: str) -> list[str]:
        """Return the texts of all such elements that are shown."""
        found: list[str] = self.value(
            "all(arguments[0]).filter((each) => each.checkVisibility())"
            ".map((each) => each.innerText)",
            css,
        )
        return found

    def count(self, css: str) -> int:
        """Return how many such elements there are."""
        return int(self.value("all(arguments[0]).length", css))

    def is_shown(self, css: str) -> bool:
        """Tell whether there is such an element, and none of it is hidden."""
        return bool(self.value("one(arguments[0])?.checkVisibility() ?? false", css))

    def style(self, css: str, name: str) -> str:
        """Return what one property of the first such element is by all style sheets together."""
        return str(
            self.value(
                "getComputedStyle(one(arguments[0])).getPropertyValue(arguments[1])", css, name
            )
        )

    def focused(self, attribute: str = "id") -> str:
        """Return an attribute of the element that the keyboard is at."""
        return str(
            self.value("document.activeElement?.getAttribute(arguments[0]) ?? ''", attribute)
        )

    def has_scroll(self) -> bool:
        """Tell whether the page is wider than the window."""
        return bool(
            self.value(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
        )

    def is_in_view(self, css: str) -> bool:
        """Tell whether all of the first such element is in the window and nothing is before it."""
        return bool(
            self.value(
                """((element) => {
                  if (!element?.checkVisibility()) return false;
                  const box = element.getBoundingClientRect();
                  if (box.width === 0 || box.top < 0 || box.left < 0) return false;
                  if (box.bottom > innerHeight || box.right > innerWidth) return false;
                  const top = document.elementFromPoint(box.left + 2, box.top + box.height / 2);
                  return element.contains(top) || top.contains(element);
                })(one(arguments[0]))""",
                css,
            )
        )

    # What is waited for

    def until(self, expression: str, *arguments: object) -> Any:
        """Wait until an expression, see :meth:`value`, is true; return its value."""
        return until(
            lambda: self.value(expression, *arguments),
            lambda: f"{expression} {arguments} at {self.url}:\n{self.text('body')}",
        )

    def until_text(self, css: str, pattern: str) -> str:
        """Wait until a pattern is found in the text of an element; return the text."""
        return until(
            lambda: text if re.search(pattern, text := self.text(css)) else "",
            lambda: f"{pattern!r} in {css}: {self.text(css)!r} at {self.url}",
        )

    def until_url(self, pattern: str) -> None:
        """Wait until a pattern is found in the address."""
        until(lambda: re.search(pattern, self.url), lambda: f"{pattern!r} in {self.url}")

    # What somebody does

    def _on(self, css: str, do: Callable[[WebElement], None]) -> None:
        """Do something to an element when it is there and nothing is before it."""

        def done() -> bool:
            for element in self.driver.find_elements(By.CSS_SELECTOR, css):
                with suppress(*_MOVED):
                    if element.is_displayed():
                        do(element)
                        return True
            return False

        until(done, lambda: f"{css} at {self.url}:\n{self.text('body')}")

    def click(self, css: str) -> None:
        """Click on the first such element that is shown."""
        self._on(css, lambda element: element.click())

    def leave_by(self, css: str) -> None:
        """Click on what leads to another page, and wait until that is loaded."""
        before = self.command("Runtime.evaluate", expression="performance.timeOrigin")
        self.click(css)
        until(
            lambda: (
                self.command("Runtime.evaluate", expression="performance.timeOrigin") != before
                and self.value("document.readyState === 'complete'")
            ),
            lambda: f"{css} leads nowhere from {self.url}",
        )

    def fill(self, css: str, text: str) -> None:
        """Type into a field in place of what is there."""

        def write(element: WebElement) -> None:
            element.clear()
            element.send_keys(text)

        self._on(css, write)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the keyboard is at."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def choose(self, css: str, option: str) -> None:
        """Choose an option of a list."""
        self.click(f"{css} option[value='{option}'], {css} option")
        self._on(css, lambda element: element.send_keys(option))

    # What is wrong

    def complaints(self) -> list[str]:
        """Return what the browser has complained of since it was asked last."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] in ("SEVERE", "WARNING")
        ]


def sleeper(name: str, *options: str) -> str:
    """Return a program that does nothing for long, and counts as running at once."""
    return "\n".join([f"[program:{name}]", "command=sleep 1000", "startsecs=0", *options, ""])


#: What Chromium complains of, by chance of the moment, when a daemon ends that it talks to.
GONE = (
    "ERR_CONNECTION_(REFUSED|RESET|CLOSED|ABORTED)",
    "ERR_EMPTY_RESPONSE",
    "ERR_INCOMPLETE_CHUNKED_ENCODING",
    "ERR_SOCKET_NOT_CONNECTED",
    "503",
)


class BrowserTestCase(FunctionalTestCase):
    """A test with a daemon and a tab; the browser may complain of what is expected only."""

    #: patterns of complaints
    expected: tuple[str, ...] = ()
    control = CONTROL

    def setUp(self) -> None:
        super().setUp()
        requirements.browser()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.server = f"[inet_http_server]\nport=127.0.0.1:{self.port}\n"
        self.tab = Tab()

    def tearDown(self) -> None:  # while the daemon still runs, or its end would be complained of
        try:
            complaints = self.tab.complaints()
        finally:
            self.tab.close()
        wrong = [
            text
            for text in complaints
            if not any(re.search(pattern, text) for pattern in self.expected)
        ]
        self.assertEqual(wrong, [])
        super().tearDown()

    def serve(self, programs: str) -> Daemon:
        """Start a daemon, and wait until nothing in it is starting any more."""
        daemon = self.daemon(self.server + self.control + programs)
        daemon.wait_for("supervisord started with pid")
        self.client = Client(daemon.directory / "x.sock")
        until(self._is_settled)
        return daemon

    def _is_settled(self) -> bool:
        found: list[dict[str, Any]] = self.client.call("supervisor.getAllProcessInfo")
        return all(each["statename"] != "STARTING" for each in found)

    def open(self, path: str = "") -> None:
        """Open a page, and wait until it follows what happens."""
        self.tab.open(self.url + path)
        self.until_live()

    def until_live(self) -> None:
        """Wait until the page is told of what happens."""
        self.tab.until("one('#link').dataset.link === 'live'")
