from __future__ import annotations

import json
import subprocess

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.environment import environment
from tests import requirements

#: What 4.3.0 accepts, and its development version too: one reading.
PLAIN = [
    ("", {}),
    ('A="1",B=2', {"A": "1", "B": "2"}),
    ("A = /a/b.c+d-e(f):g , B='x y',", {"A": "/a/b.c+d-e(f):g", "B": "x y"}),
    ("A=1;B=2", {"A": "1", "B": "2"}),
    ("A=a b", {"A": "a"}),
    ("A=$HOME", {"A": "$"}),
    ("A=%x", {"A": "%"}),
    ('A=""', {"A": ""}),
    ('A="a,b; #c",B=\'{"k": 1}\'', {"A": "a,b; #c", "B": '{"k": 1}'}),
    ('A="it\'s",B=1 # the rest', {"A": "it's", "B": "1"}),
    ('A="back\\slash"', {"A": "back\\slash"}),
    ('A=1,\n  B="2\n3"', {"A": "1", "B": "2\n3"}),
    ("A=1,A=2", {"A": "2"}),
]

#: What 4.3.0 takes one way and its development version another: the released one counts.
RELEASED = [
    ('A=x"y"z', {"A": 'x"y"z'}),
    ("A=\"'x'\"", {"A": "x"}),
    (r'A="a\"b"', {"A": "a\\"}),
]

#: What only the development version can read.
NEWER = [
    (r'A="a\"b",B=1', {"A": 'a"b', "B": "1"}),
    (r"A=a\ b,B=1", {"A": "a b", "B": "1"}),
    ('A="x""y",B=2', {"A": "xy", "B": "2"}),
    (
        "A=caf\N{LATIN SMALL LETTER E WITH ACUTE},B=1",
        {"A": "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "B": "1"},
    ),
]

REFUSED = [
    ("A", "Unexpected end of key/value pairs in value 'A'"),
    ("A=", "Unexpected end of key/value pairs in value 'A='"),
    ("A=1,,B=2", "Unexpected end of key/value pairs in value 'A=1,,B=2'"),
    ("A=x@y", "Unexpected end of key/value pairs in value 'A=x@y'"),
    ("A=1 B=2", "Unexpected end of key/value pairs in value 'A=1 B=2'"),
    ('A="1', "No closing quotation"),
]

#: Answers for each line of input, a JSON string, with what 4.3.0 makes of it.
ORACLE = """
import json, sys
from supervisor.datatypes import dict_of_key_value_pairs
for line in sys.stdin:
    try:
        answer = dict_of_key_value_pairs(json.loads(line))
    except ValueError as error:
        answer = str(error)
    print(json.dumps(answer), flush=True)
"""


class EnvironmentTests(SynchronousTestCase):
    def test_accepted(self) -> None:
        """Quotes, separators and comments are read as Supervisor reads them."""
        for text, variables in (*PLAIN, *RELEASED, *NEWER):
            self.assertEqual(environment(text), variables, text)

    def test_refused(self) -> None:
        """What neither version of Supervisor can read is refused in the words of 4.3.0."""
        for text, words in REFUSED:
            error = self.assertRaises(ValueError, environment, text)
            self.assertEqual(str(error), words)


class LikeStockTests(SynchronousTestCase):
    """Against a running 4.3.0."""

    def setUp(self) -> None:
        self.oracle = subprocess.Popen(
            [requirements.stock("python"), "-c", ORACLE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.oracle.wait)
        assert self.oracle.stdin is not None
        assert self.oracle.stdout is not None
        self.addCleanup(self.oracle.stdout.close)
        self.addCleanup(self.oracle.stdin.close)

    def ask(self, text: str) -> object:
        assert self.oracle.stdin is not None
        assert self.oracle.stdout is not None
        self.oracle.stdin.write(json.dumps(text) + "\n")
        self.oracle.stdin.flush()
        return json.loads(self.oracle.stdout.readline())

    @settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(
            st.sampled_from(
                (
                    *("A", "b", "0", "_", "/.+-():", "\N{LATIN SMALL LETTER E WITH ACUTE}"),
                    *("=", "A=", ",", "B=1,", ";", "#", " ", "\n"),
                    *('"', "'", "\\", '"x y"', "'z'", "$", "%", "@"),
                )
            ),
            max_size=10,
        ).map("".join)
    )
    @example("A=\"1\",B='2'")
    def test_same(self, text: str) -> None:
        """Whatever 4.3.0 accepts means the same; what we refuse, it refuses in the same words."""
        expected = self.ask(text)
        try:
            answer: object = environment(text)
        except ValueError as error:
            answer = str(error)
        if isinstance(expected, dict) or isinstance(answer, str):
            self.assertEqual(answer, expected)

    def test_examples(self) -> None:
        """The tables above say what 4.3.0 does."""
        for text, variables in (*PLAIN, *RELEASED):
            self.assertEqual(self.ask(text), variables, text)
        for text, words in REFUSED:
            self.assertEqual(self.ask(text), words)
        for text, _ in NEWER:
            self.assertIsInstance(self.ask(text), str, text)
