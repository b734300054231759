from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.ini import Document, Origin, parse


def document(text: str, file: str = "a.conf") -> Document:
    parsed, problems = parse(text, file, "/etc")
    assert not problems, problems
    return parsed


class ParseTests(SynchronousTestCase):
    def texts(self, text: str) -> dict[str, dict[str, str]]:
        return {
            name: {option: value.text for option, value in section.options.items()}
            for name, section in document(text).sections.items()
        }

    def test_values(self) -> None:
        """Delimiters, comments, continuations and line ends are those of Supervisor's files."""
        self.assertEqual(
            self.texts(
                "; comment\r\n[one] ; comment\n"
                "A = 1\nb:2 ; cut # here\n"
                "c=x;y#z\nd=\ne = 1\n  2 ; cut\n\n  # all\n  3\n"
                "[two] junk\nF==:\n[odd]name]\ng=1\n"
            ),
            {
                "one": {"a": "1", "b": "2", "c": "x;y#z", "d": "", "e": "1\n2\n\n3"},
                "two": {"f": "=:"},
                "odd]name": {"g": "1"},
            },
        )

    def test_repeated(self) -> None:
        """Sections may be repeated, and options: the last one holds."""
        self.assertEqual(
            self.texts("[a]\nx=1\ny=1\n[b]\n[a]\nX=2\nz=3\n"),
            {"a": {"x": "2", "y": "1", "z": "3"}, "b": {}},
        )

    def test_origins(self) -> None:
        """A value knows the line it begins in, a section that of its first header."""
        parsed = document("\n[a]\nx=1\ny=\n  2\n  3\nz=4\n[b]\n[a]\nx=5\n")
        section = parsed.sections["a"]
        self.assertEqual(section.origin, Origin("a.conf", 2))
        lines = {option: value.origin.line for option, value in section.options.items()}
        self.assertEqual(lines, {"x": 10, "y": 4, "z": 7})

    def test_defaults(self) -> None:
        """[DEFAULT] shows through, and is no section."""
        parsed = document("[DEFAULT]\nx=1\ny=2\n[a]\nx=3\n")
        section = parsed.sections["a"]
        self.assertEqual(list(parsed.sections), ["a"])
        self.assertEqual(
            {o: v.text for o, v in parsed.options(section).items()}, {"x": "3", "y": "2"}
        )
        value = parsed.find(section, "y")
        assert value is not None
        self.assertEqual(value.origin, Origin("a.conf", 3))
        self.assertIsNone(parsed.find(section, "z"))

    def test_merge(self) -> None:
        """Of two files the later one holds, and sections keep where they were first."""
        first = document("[DEFAULT]\nd=1\n[a]\nx=1\ny=1\n", "1")
        first.merge(document("[DEFAULT]\nd=2\n[b]\nz=1\n[a]\ny=2\n", "2"))
        self.assertEqual(first.files, ["1", "2"])
        self.assertEqual(list(first.sections), ["a", "b"])
        section = first.sections["a"]
        self.assertEqual(section.origin, Origin("1", 3))
        origins = {option: value.origin for option, value in section.options.items()}
        self.assertEqual(origins, {"x": Origin("1", 4), "y": Origin("2", 6)})
        self.assertEqual(first.defaults["d"].text, "2")

    def test_syntax_errors(self) -> None:
        """All lines that are nothing are told at once, and the others are understood."""
        parsed, problems = parse("[a]\nfoo\nx=1\n= bar\n[b]\ny=2\n  z\nbaz\n", "a.conf", "/")
        self.assertEqual([problem.line for problem in problems], [2, 4, 8])
        self.assertEqual(
            str(problems[0]),
            "a.conf:2: Source contains parsing errors: 'foo'; expected option = value, "
            "[section], a comment or an indented continuation",
        )
        self.assertEqual(parsed.sections["a"].options["x"].text, "1")
        self.assertEqual(parsed.sections["b"].options["y"].text, "2\nz")

    def test_no_header(self) -> None:
        """What stands before the first header is one problem, and the rest is understood."""
        parsed, problems = parse("; ok\nfoo=1\nbar=2\n[a]\nx=1\nnothing\n", "a.conf", "/")
        self.assertEqual([problem.line for problem in problems], [2, 6])
        self.assertIn("File contains no section headers", str(problems[0]))
        self.assertEqual(parsed.sections["a"].options["x"].origin.line, 5)

    def test_no_header_at_all(self) -> None:
        """A text without a single header is one problem."""
        for text in ("foo=1\nbar=2\n", "foo\n[a\n", " [a\n  [b\n"):
            parsed, problems = parse(text, "a.conf", "/")
            self.assertEqual([problem.line for problem in problems], [1], text)
            self.assertEqual(parsed.sections, {})

    def test_empty(self) -> None:
        """No text is no sections."""
        self.assertEqual(document("").sections, {})

    @given(st.text(st.sampled_from("[]=:;# \t\r\n%aB\x0b\x85\u2028\0DEFAULT"), max_size=60))
    def test_anything(self, text: str) -> None:
        """Any text is parsed; each value's line is one of the text's."""
        parsed, problems = parse(text, "a.conf", "/")
        last = len(text.replace("\r", "\n").split("\n"))
        for section in parsed.sections.values():
            self.assertTrue(1 <= section.origin.line <= last)
            for value in section.options.values():
                self.assertTrue(1 <= value.origin.line <= last)
        for problem in problems:
            assert problem.line is not None
            self.assertTrue(1 <= problem.line <= last)
