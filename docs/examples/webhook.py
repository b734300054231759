"""
Tells a web service of programs that are given up, or that have ended unexpectedly.

    [eventlistener:webhook]
    command=python3 /etc/supervisor/webhook.py --window 300 https://chat.example.org/hooks/abc
    events=PROCESS_STATE_FATAL,PROCESS_STATE_EXITED

It sends a POST request with {"text": "..."}, as many services understand it. Of one program that
fails again and again it tells once in a window of time; the next message has the number of those
that were left out. While the service cannot be reached, events wait in the daemon.
"""

from __future__ import annotations

import argparse
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from supervisor_tx.childutils import Listener, ListenerEvent, Reject


@dataclass
class Told:
    """The last message about a program, and what came after it."""

    at: float
    left_out: int = 0


class Webhook(Listener):
    """Sends messages; the daemon offers an event again where that was not possible."""

    attempts = 6  # with the time between them that is about half a minute

    def __init__(
        self,
        url: str,
        window: float = 300,
        timeout: float = 10,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url, self.window, self.timeout, self.now = url, window, timeout, now
        self.told: dict[tuple[str, str], Told] = {}

    def on_process_state_fatal(self, event: ListenerEvent) -> None:
        self.tell(event, "could not be started, and is given up")

    def on_process_state_exited(self, event: ListenerEvent) -> None:
        if not event.expected:
            self.tell(event, f"has ended unexpectedly (it was process {event.pid})")

    def tell(self, event: ListenerEvent, what: str) -> None:
        """Send a message, unless there was one like it a short time ago."""
        key, now = (event.namespec, event.name), self.now()
        before = self.told.get(key)
        if before is not None and now - before.at < self.window:
            before.left_out += 1
            return
        text = f"{event.server}: {event.namespec} {what}"
        if before is not None and before.left_out:
            text += f"; {before.left_out} times more since the last message"
        self.send({"text": text})
        self.told[key] = Told(now)

    def send(self, message: object) -> None:
        """Send a message; raise Reject where it may be possible later."""
        request = urllib.request.Request(
            self.url, json.dumps(message).encode(), {"Content-Type": "application/json"}
        )
        try:
            urllib.request.urlopen(request, timeout=self.timeout).close()
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500 and error.code != 429:
                print(f"the service refuses a message with {error.code}: {message}")
            else:
                raise Reject(f"the service has a problem: {error.code}") from None
        except OSError as error:  # timeouts and all errors of urllib are among these
            raise Reject(f"the service cannot be reached: {error}") from None


def main() -> None:
    """Listen, as the command line says."""
    parser = argparse.ArgumentParser(description="an event listener; started by supervisord")
    parser.add_argument("url", help="where messages go")
    parser.add_argument("--window", type=float, default=300, help="seconds between two like ones")
    parser.add_argument("--timeout", type=float, default=10, help="seconds for one request")
    arguments = parser.parse_args()
    Webhook(arguments.url, arguments.window, arguments.timeout).run()


if __name__ == "__main__":
    main()
