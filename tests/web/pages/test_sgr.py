"""Colours and styles in the output of programs."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx.web
from supervisor_tx.web.pages import sgr

STATIC = Path(supervisor_tx.web.__path__[0]) / "static"


def shown(text: str) -> list[tuple[str, str]]:
    """The pieces that are not empty, with their classes."""
    return [(piece, style.classes) for piece, style in sgr.pieces(text) if piece]


def classes(parameters: str) -> str:
    """The classes of what follows a sequence."""
    return shown(f"\x1b[{parameters}mx")[0][1]


class StyleTests(SynchronousTestCase):
    def test_plain(self) -> None:
        """Text without sequences is one piece."""
        self.assertEqual(shown("a <b> &\n\tc"), [("a <b> &\n\tc", "")])

    def test_colours(self) -> None:
        """The sixteen colours, in the foreground and in the background."""
        for parameters, told in (
            ("31", "fg f1"),
            ("92", "fg f10"),
            ("44", "bg b4"),
            ("107", "bg b15"),
            ("1;33;41", "fg f3 bg b1 bold"),
            ("01;31", "fg f1 bold"),
        ):
            self.assertEqual(classes(parameters), told, parameters)

    def test_many_colours(self) -> None:
        """Those of 256 by their number, others by the nearest of these."""
        for parameters, told in (
            ("38;5;208", "fg f208"),
            ("48:5:16", "bg b16"),
            ("38;5;999", "fg f255"),
            ("38;2;255;0;0", "fg f196"),
            ("48;2;8;8;8", "bg b232"),
            ("38;2;128;128;128;1", "fg f244 bold"),
            ("38;2;300;0;0", "fg f196"),
        ):
            self.assertEqual(classes(parameters), told, parameters)

    def test_ends(self) -> None:
        """What was set is taken back, alone or all of it."""
        self.assertEqual(
            shown("\x1b[1;4;31ma\x1b[22mb\x1b[39mc\x1b[24md\x1b[7me\x1b[mf"),
            [
                ("a", "fg f1 bold underline"),
                ("b", "fg f1 underline"),
                ("c", "underline"),
                ("d", ""),
                ("e", "inverse"),
                ("f", ""),
            ],
        )

    def test_nonsense(self) -> None:
        """What is incomplete or unknown changes nothing."""
        for parameters in ("38", "38;5", "38;2;1;2", "48;9;1", "99", "200", "10"):
            self.assertEqual(classes(parameters), "", parameters)

    def test_other_sequences(self) -> None:
        """What moves a cursor, sets a title or rings a bell is left out."""
        text = "a\x1b[2Kb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x1b(Be\x07f\x00g\x9bh\r\n"
        self.assertEqual(shown(text), [(each, "") for each in "abcdefg"] + [("h", ""), ("\n", "")])

    @given(st.text(alphabet="\x1b[]()0123456789;:mK\\\x07ab\n", max_size=200))
    def test_anything(self, text: str) -> None:
        """Nothing but text remains, and where there are no sequences all of it."""
        told = "".join(piece for piece, _ in sgr.pieces(text))
        self.assertNotRegex(told, "[\x00-\x08\x0b-\x1f]")
        if "\x1b" not in text:
            self.assertEqual(told, text.replace("\x07", ""))

    def test_long(self) -> None:
        """A sequence with numbers without end is no sequence of styles, and takes no time."""
        self.assertEqual(shown(f"a\x1b[{'1' * 100_000}mb"), [("a", ""), ("b", "")])


class SheetTests(SynchronousTestCase):
    def test_all_colours(self) -> None:
        """The style sheet has the colours that terminals agree on."""
        sheet = (STATIC / "ansi.css").read_text()
        for number in range(16, 256):
            self.assertIn(f".f{number} {{ --f: {hexadecimal(number)}; }}", sheet)
            self.assertIn(f".b{number} {{ --b: {hexadecimal(number)}; }}", sheet)
        for number in range(16):
            self.assertEqual(sheet.count(f"--c{number}: #"), 2)  # light and dark

    def test_nearest_is_itself(self) -> None:
        """Each colour of the cube is its own nearest, and each grey has the right lightness."""
        for number in range(16, 256):
            code = hexadecimal(number)
            rgb = [int(code[at : at + 2], 16) for at in (1, 3, 5)]
            self.assertEqual(hexadecimal(sgr.nearest(*rgb)), code)

    def test_same_classes(self) -> None:
        """The script knows the same styles as the page."""
        script = (STATIC / "sgr.js").read_text()
        for number, name in sgr._STYLES.items():
            self.assertIn(f'{number}: "{name}"', script)
            self.assertIn(f"#log .{name} ", (STATIC / "ansi.css").read_text())


def hexadecimal(number: int) -> str:
    """A colour of the 256, as terminals have it."""
    if number >= 232:
        return f"#{8 + 10 * (number - 232):02x}" + f"{8 + 10 * (number - 232):02x}" * 2
    steps = ((number - 16) // 36, (number - 16) // 6 % 6, (number - 16) % 6)
    return "#" + "".join(f"{55 + 40 * step if step else 0:02x}" for step in steps)
