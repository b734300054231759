from __future__ import annotations

import xmlrpc.client
from xml.parsers.expat import ExpatError

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.ctl.calls import dumps, loads

#: What XML can carry, and both ends can say.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t &<>]"))
VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**31), 2**31 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


class CallTests(SynchronousTestCase):
    @given(st.lists(VALUES, max_size=4))
    def test_calls(self, arguments: list[object]) -> None:
        """A call is read by the standard library as it was meant."""
        read, method = xmlrpc.client.loads(dumps("supervisor.x", arguments))
        self.assertEqual((list(read), method), (arguments, "supervisor.x"))

    @given(VALUES)
    def test_answers(self, value: object) -> None:
        """An answer that the standard library writes is read as it was meant."""
        text = xmlrpc.client.dumps((value,), methodresponse=True)  # type: ignore[arg-type]
        self.assertEqual(loads(text.encode()), value)

    @given(st.lists(VALUES, max_size=4))
    def test_answers_without_blanks(self, value: object) -> None:
        """White space between the elements means nothing."""
        text = xmlrpc.client.dumps((value,), methodresponse=True)  # type: ignore[arg-type]
        self.assertEqual(loads(text.replace(">\n<", "><").encode()), value)

    def test_rare_kinds(self) -> None:
        """What daemons hardly ever send is understood too."""
        body = (
            b"<methodResponse><params><param><value><array><data><value>bare</value>"
            b"<value></value><value><string/></value><value><nil/></value>"
            b"<value><i4> 7 </i4></value>"
            b"<value><base64>YWI=</base64></value>"
            b"<value><dateTime.iso8601>20260102T03:04:05</dateTime.iso8601></value>"
            b"<value><array><data></data></array></value><value><struct></struct></value>"
            b"</data></array></value></param></params></methodResponse>"
        )
        *plain, binary, moment, array, struct = loads(body)
        self.assertEqual(plain, ["bare", "", "", None, 7])
        self.assertEqual(binary.data, b"ab")
        self.assertEqual(str(moment), "20260102T03:04:05")
        self.assertEqual((array, struct), ([], {}))

    def test_faults(self) -> None:
        """A fault is raised as that of the standard library, which plug-ins catch."""
        fault = xmlrpc.client.Fault(10, "BAD_NAME: x")
        raised = self.assertRaises(
            xmlrpc.client.Fault, loads, xmlrpc.client.dumps(fault, methodresponse=True).encode()
        )
        self.assertEqual((raised.faultCode, raised.faultString), (10, "BAD_NAME: x"))

    def test_what_is_no_answer(self) -> None:
        """Broken XML, XML without a value, and entities are errors."""
        self.assertRaises(ExpatError, loads, b"<methodResponse>")
        self.assertRaises(xmlrpc.client.ResponseError, loads, b"<methodResponse/>")
        bomb = (
            b'<!DOCTYPE x [<!ENTITY a "b">]><methodResponse><params>&a;</params></methodResponse>'
        )
        self.assertRaises(ValueError, loads, bomb)

    def test_what_cannot_be_sent(self) -> None:
        """None, and a number as a key, have no form in XML-RPC."""
        self.assertRaises(TypeError, dumps, "x", [None])
        self.assertRaises(TypeError, dumps, "x", [{1: 2}])
