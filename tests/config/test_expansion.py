from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.expansion import Names, expand

NAMES = Names(here="/etc", process_num=7, ENV_HOME="/root")


class ExpansionTests(SynchronousTestCase):
    def test_formats(self) -> None:
        """Names take Python's formats, and two percent signs are one."""
        self.assertEqual(
            expand("%(here)s-%(process_num)02d-%(ENV_HOME)6s %%", NAMES, "a.b"), "/etc-07- /root %"
        )

    def test_no_percent(self) -> None:
        """A text without a percent sign is left alone."""
        self.assertEqual(expand("{here} $x", NAMES, "a.b"), "{here} $x")

    def test_unknown(self) -> None:
        """An unknown name is refused, with what could have been meant."""
        error = self.assertRaises(ValueError, expand, "%(ENV_HOMES)s", NAMES, "program:x.command")
        self.assertEqual(
            str(error),
            "Format string '%(ENV_HOMES)s' for 'program:x.command' contains names ('ENV_HOMES') "
            "which cannot be expanded. Available names: here, process_num, and ENV_X for each "
            "environment variable X; did you mean 'ENV_HOME'?",
        )

    def test_malformed(self) -> None:
        """What is no format is refused with Python's reason."""
        for text, reason in (
            ("%(here)", "incomplete format"),
            ("%(here", "incomplete format key"),
            ("100%", "incomplete format"),
            ("%(here)d", "%d format: a real number is required, not str"),
            ("%(here)*d", "* wants int"),
            ("%(process_num)c%(n)", None),
            ("% /", "unsupported format character '/' (0x2f) at index 2"),
        ):
            error = self.assertRaises(ValueError, expand, text, NAMES, "a.b")
            if reason is not None:
                self.assertEqual(
                    str(error), f"Format string {text!r} for 'a.b' is badly formatted: {reason}"
                )

    def test_whole_mapping(self) -> None:
        """A single percent sign before s, r or a inserts everything, and that is noticed."""
        for text in ("50%s", "50%r", "50% abc"):
            names = Names(NAMES)
            self.assertFalse(names.inserted)
            self.assertIn("'ENV_HOME': '/root'", expand(text, names, "a.b"))
            self.assertTrue(names.inserted)

    def test_environment(self) -> None:
        """Variables come as ENV_X, before those of the same name."""
        names = NAMES.environment({"HOME": "/home", "NEW": "n"})
        self.assertEqual(expand("%(ENV_HOME)s%(ENV_NEW)s%(here)s", names, "a.b"), "/homen/etc")
        self.assertEqual(NAMES["ENV_HOME"], "/root")

    @given(st.text(st.sampled_from("%()hereprocss_num0d #-+*.xz"), max_size=12))
    def test_anything(self, text: str) -> None:
        """Any text expands or raises ValueError."""
        try:
            expand(text, NAMES, "a.b")
        except ValueError as error:
            self.assertIn("'a.b'", str(error))
