"""Calls as bytes, and answers as bytes."""

from __future__ import annotations

import base64
import contextlib
import xmlrpc.client
from datetime import datetime
from typing import Any
from xml.parsers import expat

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.core.characters import PIECE
from supervisor_tx.rpc import marshal
from supervisor_tx.rpc.faults import Fault, FaultCode
from supervisor_tx.rpc.marshal import Fragment
from supervisor_tx.rpc.parsing import MOST_DEPTH, MOST_VALUES, Call, Unmarshallable, parse

#: The machine may be busy.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: Text that XML can carry, and that no parser changes.
TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc"),
        include_characters="\t\n",
        exclude_characters="\ufffe\uffff",
    )
)

VALUES = st.recursive(
    st.one_of(
        TEXT,
        st.booleans(),
        st.integers(-(2**31), 2**31 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.builds(
            lambda when: when.replace(microsecond=0),
            st.datetimes(datetime(1900, 1, 1), datetime(2999, 1, 1)),
        ),
    ),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(TEXT, inner)),
)


def call(*values: str, method: str = "m") -> bytes:
    """The body of a call with these values."""
    params = "".join(f"<param>{value}</param>" for value in values)
    return (
        f"<?xml version='1.0'?><methodCall><methodName>{method}</methodName>"
        f"<params>{params}</params></methodCall>"
    ).encode()


def value(text: str) -> Any:
    """What a value is read as."""
    [found] = parse(call(text)).params
    return found


class ParsingTests(SynchronousTestCase):
    @PATIENT
    @given(st.lists(VALUES))
    def test_what_clients_send(self, params: list[Any]) -> None:
        """Whatever Python's client sends arrives as it was."""
        body = xmlrpc.client.dumps(tuple(params), "a.b").encode()
        self.assertEqual(parse(body), Call("a.b", tuple(params)))

    def test_types(self) -> None:
        """Each type is read as Supervisor reads it."""
        for text, expected in (
            ("<value><int>5</int></value>", 5),
            ("<value><i4> -5\n</i4></value>", -5),
            ("<value><boolean>1</boolean></value>", True),
            ("<value><boolean>0</boolean></value>", False),
            ("<value><boolean>true</boolean></value>", False),
            ("<value><boolean/></value>", False),
            ("<value><double>1.5</double></value>", 1.5),
            ("<value><string> a </string></value>", " a "),
            ("<value><string/></value>", ""),
            ("<value> a\n</value>", " a\n"),
            ("<value/>", ""),
            ("<value></value>", ""),
            ("<value>\n <string>a</string>\n </value>", "a"),
            ("<value><string>a&lt;&#65;<![CDATA[<b>]]><!-- c --></string></value>", "a<A<b>"),
            (
                f"<value><base64>{base64.encodebytes('zwölf'.encode()).decode()}</base64></value>",
                "zwölf",
            ),
            ("<value><nil/></value>", None),
            ("<value><i8>5</i8></value>", "5"),
            ("<value><ex:nil xmlns:ex='x'/></value>", None),
            ("<value><array> <data> <value>a</value> </data> </array></value>", ["a"]),
            ("<value><array><data/></array></value>", []),
            ("<value><struct/></value>", {}),
            (
                (
                    "<value><struct> <member> <name>n</name> <value><int>1</int></value> "
                    "</member></struct></value>"
                ),
                {"n": 1},
            ),
            (
                "<value><dateTime.iso8601>20200102T03:04:05</dateTime.iso8601></value>",
                datetime(2020, 1, 2, 3, 4, 5),
            ),
        ):
            with self.subTest(text):
                self.assertEqual(value(text), expected)
                self.assertIs(type(value(text)), type(expected))

    def test_calls(self) -> None:
        """There may be no parameters; blanks in a name are part of it; encodings are honoured."""
        self.assertEqual(
            parse(b"<methodCall><methodName> a </methodName></methodCall>"), Call(" a ", ())
        )
        self.assertEqual(parse(b"<methodCall/>"), Call("", ()))
        self.assertEqual(
            parse(
                "<?xml version='1.0' encoding='iso-8859-1'?><methodCall><methodName>ä"
                "</methodName></methodCall>".encode("iso-8859-1")
            ),
            Call("ä", ()),
        )

    def test_what_is_no_call(self) -> None:
        """What is no call is refused, whatever it is."""
        for body in (
            b"",
            b"junk",
            b"\x00\xff",
            b"<methodCall>",
            b"<methodCall></methodcall>",
            b"<html/>",
            b"<methodResponse/>",
            b"<methodName>a</methodName>",
            b"<methodCall><params/><methodName><b/></methodName></methodCall>",
            b"<methodCall><value/></methodCall>",
            b"<methodCall/><methodCall/>",
            b"<methodCall>\xff</methodCall>",
            b"<methodCall>&nope;</methodCall>",
            b"<methodCall>\x01</methodCall>",
            b"<?xml version='1.0' encoding='no-such'?><methodCall/>",
            call("<value><int>x</int></value>"),
            call("<value><int/></value>"),
            call("<value><int>1.0</int></value>"),
            call(f"<value><int>{'9' * 5000}</int></value>"),
            call("<value><double>x</double></value>"),
            call("<value><base64>a</base64></value>"),
            call("<value><base64>/w==</base64></value>"),
            call("<value><dateTime.iso8601>today</dateTime.iso8601></value>"),
            call("<value><string>a<b>c</b></string></value>"),
            call("<value><int>1</int><int>2</int></value>"),
            call("<value><struct><member><value/></member></struct></value>"),
            call("<value><struct><value/></struct></value>"),
            call("<value><array><value/></array></value>"),
            call("<int>1</int>"),
        ):
            with self.subTest(body):
                self.assertRaises(Unmarshallable, parse, body)

    def test_entity_bombs(self) -> None:
        """A document type is refused before any entity of it is looked at."""
        bomb = "".join(
            f"<!ENTITY e{number} '{f'&e{number - 1};' * 10}'>" for number in range(1, 20)
        )
        for text in (
            f"<!DOCTYPE a [<!ENTITY e0 'boom'>{bomb}]>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'>",
            "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>",
            "<!DOCTYPE methodCall>",
        ):
            body = f"{text}<methodCall><methodName>&e19;</methodName></methodCall>"
            self.assertRaises(Unmarshallable, parse, body.encode())

    def test_bounds(self) -> None:
        """How deep and how many values may be is bounded; one less is fine."""
        for depth, fits in ((MOST_DEPTH - 2, True), (MOST_DEPTH * 10, False)):
            text = "<value><array><data>" * depth + "</data></array></value>" * depth
            if fits:
                value(text)
            else:
                self.assertRaises(Unmarshallable, value, text)
        many = "<value><array><data>%s</data></array></value>"
        self.assertEqual(len(value(many % ("<value/>" * (MOST_VALUES - 1)))), MOST_VALUES - 1)
        self.assertRaises(Unmarshallable, value, many % ("<value/>" * MOST_VALUES))
        self.assertRaises(Unmarshallable, parse, b"<a>" * 100_000)

    @PATIENT
    @given(st.binary(max_size=200))
    def test_noise(self, noise: bytes) -> None:
        """Noise is refused and nothing else happens."""
        self.assertRaises(Unmarshallable, parse, noise)

    @PATIENT
    @given(st.data())
    def test_damage(self, data: st.DataObject) -> None:
        """A call with a piece cut out or put in is a call or refused."""
        body = xmlrpc.client.dumps(("a", [1, {"b": True}], 1.5), "x.y").encode()
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, len(body)))
        damaged = body[:start] + data.draw(st.binary(max_size=8)) + body[end:]
        with contextlib.suppress(Unmarshallable):
            self.assertIsInstance(parse(damaged), Call)


class MarshalTests(SynchronousTestCase):
    @PATIENT
    @given(VALUES)
    def test_as_python_does(self, value: Any) -> None:
        """An answer is byte by byte what Python's own library makes of it."""
        expected = xmlrpc.client.dumps((value,), methodresponse=True)
        self.assertEqual(marshal.answer(value), expected.encode())

    @PATIENT
    @given(st.integers(-100, 1000), TEXT)
    def test_faults(self, code: int, text: str) -> None:
        """So is a fault."""
        expected = xmlrpc.client.dumps(xmlrpc.client.Fault(code, text))
        self.assertEqual(marshal.fault_answer(Fault(code, text)), expected.encode())

    @PATIENT
    @given(st.text())
    def test_any_text(self, text: str) -> None:
        """Whatever the text, the answer is XML."""
        expat.ParserCreate().Parse(marshal.answer({text: text}), True)

    @PATIENT
    @given(st.binary())
    def test_any_log(self, data: bytes) -> None:
        """Whatever the bytes of a log, the answer is XML, and text that is text is untouched."""
        body = marshal.answer(marshal.log_text(data))
        ((found,), _) = xmlrpc.client.loads(body)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return
        if text.isprintable():
            self.assertEqual(found, text)

    def test_long(self) -> None:
        """A long answer comes in parts, which are the same as the whole."""
        text = marshal.log_text(b"x<y\n" * (marshal.LONG // 4))
        parts = marshal.reply([text, 1])
        assert not isinstance(parts, bytes)
        self.assertEqual(b"".join(parts), marshal.answer([text, 1]))
        self.assertLess(max(map(len, parts)), 3 * PIECE)
        self.assertEqual(marshal.reply([1, 2]), marshal.answer([1, 2]))

    def test_more_than_32_bits(self) -> None:
        """A number of more than 32 bits is sent, and read by those who can."""
        ((found,), _) = xmlrpc.client.loads(marshal.answer(2**40))
        self.assertEqual(found, 2**40)

    def test_enumerations(self) -> None:
        """A number with a name is a number."""
        self.assertEqual(marshal.answer(FaultCode.FAILED), marshal.answer(30))

    def test_fragments(self) -> None:
        """What was marshalled before is put in as it is."""
        one = Fragment(marshal.value({"a": [1]}))
        self.assertEqual(marshal.answer(one), marshal.answer({"a": [1]}))
        self.assertEqual(marshal.answer([one, 2]), marshal.answer([{"a": [1]}, 2]))

    def test_what_has_no_type(self) -> None:
        """Nothing, objects and members without a name of text cannot be sent."""
        for bad in (None, object(), {1: 2}, [None]):
            self.assertRaises(TypeError, marshal.answer, bad)
