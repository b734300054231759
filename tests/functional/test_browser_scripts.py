"""What scripts on pages say by themselves is what the daemon would have said."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from twisted.web.template import Tag

from supervisor_tx.web.pages import spark, words
from supervisor_tx.web.pages.logview import lines
from tests.functional.browser import BrowserTestCase

SEED = 20261121

#: What texts with colours are put together from: sequences that are right, cut off and wrong.
PARTS = (
    *(f"\x1b[{number}m" for number in range(110)),
    *(f"\x1b[{which};5;{colour}m" for which in (38, 48) for colour in (0, 7, 16, 231, 255, 300)),
    *("\x1b[38;2;1;2;3m", "\x1b[48;2;250;128;114m", "\x1b[38;2;300;0;90;1m", "\x1b[38;2;1;2m"),
    *("\x1b[38;5m", "\x1b[38m", "\x1b[38:5:208m", "\x1b[;;31m", "\x1b[1;31;44m", "\x1b[0;m"),
    *("\x1b[2J", "\x1b[1;1H", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\", "\x1b(B", "\x1b7"),
    *("\x1b", "\x1b[", "\x1b[31", "\x1b]0;", "\x07", "\x00", "\r\n", "\t", "\x9b31m", "\x7f"),
    *("plain", "<b>&amp;", "\u00e9\u2028\U0001f600", "\ufffd", " ", "\n", '"'),
)


class AgreementTests(BrowserTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.serve("")
        self.tab.open(self.url)

    def call(self, module: str, body: str, *arguments: object) -> Any:
        """Return what a function's body returns that has a module of the page as ``it``."""
        return self.tab.script(
            "const place = document.querySelector('script[src$=\"common.js\"]').src;"
            f"return import(place.replace('common.js', '{module}')).then((it) => {{ {body} }});",
            *arguments,
        )

    def test_words(self) -> None:
        """Times, sizes and shares."""
        times = [0, 0.9, 59.9, 60, 61, 3599, 3600, 7261, 86399, 86400, 90061, 10**7]
        sizes = [0, 1023, 1024, 1536, 99 * 1024, 102349, 1023999, 1024000, 10**9, 3 * 10**13]
        shares = [0, 0.04, 0.05, 12.34, 99.94, 99.95, 100, 399.6]
        cases: tuple[tuple[str, Callable[[Any], str], list[Any]], ...] = (
            ("span", words.span, times),
            ("size", words.size, sizes),
            ("percent", words.percent, shares),
        )
        for name, function, values in cases:
            with self.subTest(name):
                found = self.call("common.js", f"return arguments[0].map(it.{name})", values)
                self.assertEqual(found, [function(value) for value in values])

    def test_colours(self) -> None:
        """Texts with sequences of all kinds, right and wrong."""
        chance = random.Random(SEED)
        texts = ["".join(chance.choices(PARTS, k=chance.randrange(1, 12))) for _ in range(1500)]
        found = self.call(
            "sgr.js",
            "return arguments[0].map((text) => {"
            " const place = document.createElement('div'); it.append(place, text);"
            " place.normalize();"
            " return [...place.childNodes].map((each) => [each.className ?? '', each.textContent]);"
            "})",
            texts,
        )
        for text, shown in zip(texts, found, strict=True):
            self.assertEqual(shown, _shown(text), repr(text))

    def test_graph(self) -> None:
        """A graph that goes on stays in its box, ends where it ought to, and goes ahead."""
        chance = random.Random(SEED)
        for _ in range(100):
            values = [
                chance.choice((0.0, 0.0, 5.0, 100 * chance.random()))
                for _ in range(chance.randrange(1, 150))
            ]
            had = chance.randrange(len(values))
            points, top = spark.points(values[: had + 1])
            drawn = self.call(
                "common.js",
                "const line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');"
                "line.setAttribute('points', arguments[0]); line.dataset.top = arguments[1];"
                "for (const value of arguments[2]) it.draw(line, value);"
                "return line.getAttribute('points').split(' ').map((each) => each.split(','));",
                points,
                f"{top:g}",
                values[had + 1 :],
            )
            right = [float(each) for each in drawn[-1]]
            self.assertEqual(right[0], spark.WIDTH)
            xs = [float(x) for x, _ in drawn]
            self.assertEqual(xs, sorted(xs))
            self.assertTrue(all(0 <= float(y) <= spark.HEIGHT for _, y in drawn))
            highest = max(spark.FULL, *values[: had + 1][-spark.MOST :], *values[had + 1 :])
            self.assertAlmostEqual(right[1], 15 - 14 * values[-1] / highest, delta=0.2)


def _shown(text: str) -> list[list[str]]:
    """Pieces of a text as the daemon shows it: their classes, and what they say."""
    pieces: list[list[str]] = []
    for each in lines(text):
        if isinstance(each, Tag):
            pieces.append([str(each.attributes["class"]), "".join(map(str, each.children))])
        elif pieces and not pieces[-1][0]:
            pieces[-1][1] += str(each)
        else:
            pieces.append(["", str(each)])
    return pieces
