"""Where a request comes from, by its headers."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from supervisor_tx.web.provenance import Provenance, is_ahead, provenance

OWN, FOREIGN = Provenance.OWN, Provenance.FOREIGN
UNKNOWN, TOOL = Provenance.UNKNOWN, Provenance.TOOL

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass
class Asked:
    requestHeaders: Headers = field(default_factory=Headers)


def asked(**headers: str) -> Asked:
    made = Headers({name.replace("_", "-"): [value] for name, value in headers.items()})
    made.setRawHeaders("host", [headers.get("Host", "here:9001")])
    return Asked(made)


#: Headers beside ``Host: here:9001``, and what is made of them: on TCP, on a unix socket, and there
#: with ``base_url=https://proxy.example/s/``.
TABLE: list[tuple[dict[str, str], Provenance, Provenance, Provenance]] = [
    # no browser
    ({}, TOOL, TOOL, TOOL),
    ({"User_Agent": "curl/8.5.0", "Accept": "*/*"}, TOOL, TOOL, TOOL),
    ({"User_Agent": "node", "Sec_Fetch_Mode": "cors", "Accept_Language": "*"}, TOOL, TOOL, TOOL),
    # the browser says it itself
    ({"Sec_Fetch_Site": "same-origin"}, OWN, OWN, OWN),
    ({"Sec_Fetch_Site": "Same-Origin "}, OWN, OWN, OWN),
    ({"Sec_Fetch_Site": "none"}, OWN, OWN, OWN),
    ({"Sec_Fetch_Site": "same-site"}, FOREIGN, FOREIGN, FOREIGN),
    ({"Sec_Fetch_Site": "cross-site"}, FOREIGN, FOREIGN, FOREIGN),
    ({"Sec_Fetch_Site": "something new"}, FOREIGN, FOREIGN, FOREIGN),
    ({"Sec_Fetch_Site": ""}, FOREIGN, FOREIGN, FOREIGN),
    ({"Sec_Fetch_Site": "same-origin", "Origin": "https://proxy.example"}, OWN, OWN, OWN),
    ({"Sec_Fetch_Site": "same-site", "Origin": "http://here:9001"}, FOREIGN, FOREIGN, FOREIGN),
    ({"Sec_Fetch_Site": "cross-site", "User_Agent": "curl"}, FOREIGN, FOREIGN, FOREIGN),
    # an origin to compare with the host
    ({"Origin": "http://here:9001"}, OWN, OWN, OWN),
    ({"Origin": "https://HERE:9001"}, OWN, OWN, OWN),
    ({"Origin": "http://here"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://here:9002"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://evil.example"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://here:9001.evil.example"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://user@here:9001"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "null"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": ""}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://[bad"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "here:9001"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "moz-extension://here:9001"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "http://evil.example", "Referer": "http://here:9001/"}, FOREIGN, UNKNOWN, FOREIGN),
    # the name that a proxy was asked by
    ({"Origin": "https://proxy.example"}, FOREIGN, UNKNOWN, OWN),
    ({"Origin": "http://proxy.example"}, FOREIGN, UNKNOWN, FOREIGN),
    ({"Origin": "https://p.example", "X_Forwarded_Host": "p.example"}, OWN, OWN, OWN),
    ({"Origin": "https://e.example", "X_Forwarded_Host": "p"}, FOREIGN, UNKNOWN, FOREIGN),
    # links, which have no origin
    ({"Referer": "http://here:9001/index.html?a=b"}, OWN, OWN, OWN),
    ({"Referer": "https://proxy.example/s/"}, FOREIGN, UNKNOWN, OWN),
    ({"Referer": "http://evil.example/http://here:9001/"}, FOREIGN, UNKNOWN, FOREIGN),
    # a browser that says nothing
    ({"User_Agent": FIREFOX}, UNKNOWN, UNKNOWN, UNKNOWN),
    ({"User_Agent": "Opera/9.80 (X11; Linux i686) Presto/2.12"}, UNKNOWN, UNKNOWN, UNKNOWN),
    ({"Cookie": "a=b"}, UNKNOWN, UNKNOWN, UNKNOWN),
    ({"Accept_Language": "en"}, UNKNOWN, UNKNOWN, UNKNOWN),
    ({"Upgrade_Insecure_Requests": "1"}, UNKNOWN, UNKNOWN, UNKNOWN),
    ({"Sec_Fetch_Dest": "image"}, UNKNOWN, UNKNOWN, UNKNOWN),
]


class ProvenanceTests(SynchronousTestCase):
    def test_table(self) -> None:
        """What each combination of headers says, by the way that the request came."""
        for headers, tcp, unix, based in TABLE:
            with self.subTest(headers=headers):
                one = asked(**headers)
                self.assertEqual(
                    (
                        provenance(one, behind_proxy=False),
                        provenance(one, behind_proxy=True),
                        provenance(one, behind_proxy=True, base_url="https://proxy.example/s/"),
                    ),
                    (tcp, unix, based),
                )

    def test_twice(self) -> None:
        """A header that is there twice is not taken for either of the two."""
        for name, values in {
            "origin": ["http://here:9001", "http://evil.example"],
            "sec-fetch-site": ["same-origin", "cross-site"],
            "referer": ["http://evil.example", "http://here:9001/"],
        }.items():
            for order in (values, values[::-1]):
                one = asked()
                one.requestHeaders.setRawHeaders(name, order)
                self.assertEqual(provenance(one, behind_proxy=False), FOREIGN, (name, order))

    def test_ahead(self) -> None:
        """A browser tells when it asks before its user does."""
        for headers, expected in (
            ({}, False),
            ({"Sec_Purpose": "prefetch"}, True),
            ({"Sec_Purpose": "prefetch;prerender"}, True),
            ({"Purpose": "prefetch"}, True),
            ({"X_Moz": "prefetch"}, True),
            ({"Purpose": "other"}, False),
        ):
            self.assertEqual(is_ahead(asked(**headers)), expected, headers)

    @settings(deadline=None)
    @given(
        origin=st.text(st.characters(max_codepoint=255), max_size=40)
        | st.from_regex(r"https?://[a-z.@:/\[\]]{0,12}here:9001[a-z.@:/]{0,12}", fullmatch=True)
    )
    def test_any_origin(self, origin: str) -> None:
        """No other origin is taken for ours, and none that makes no sense does any harm."""
        made = Headers({b"host": [b"here:9001"]})
        made.setRawHeaders(b"origin", [origin.encode("latin-1")])
        own = origin.strip().lower().split("/")[:3] in (
            ["http:", "", "here:9001"],
            ["https:", "", "here:9001"],
        )
        if provenance(Asked(made), behind_proxy=False) is OWN:
            self.assertTrue(own, origin)
