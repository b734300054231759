"""Links, and where a proxy has put us."""

from __future__ import annotations

from urllib.parse import urljoin

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.web.links import Base, Links


def links(base: Base, uri: str) -> Links:
    return Links(base.root(uri.encode()), lambda name: f"static/v/{name}")


class LinkTests(SynchronousTestCase):
    def test_relative(self) -> None:
        """From each page each other one is found, below whatever path a proxy has put us."""
        for prefix in ("", "/sup", "/a/b"):
            for page in ("/", "/index.html", "/x?y=/z/", "/x/y", "/x/y%2Fz", "/x/", "/x;a/b#/c"):
                made = links(Base(None), page)
                here = f"https://proxy.example{prefix}{page}"
                for place in ("", "config", "processes/web:1", "web:1", "?message=a"):
                    with self.subTest(here=here, place=place):
                        self.assertEqual(
                            urljoin(here, made.to(place)),
                            f"https://proxy.example{prefix}/{place}",
                        )
                self.assertEqual(
                    urljoin(here, made.static("look.css")),
                    f"https://proxy.example{prefix}/static/v/look.css",
                )

    def test_base_url(self) -> None:
        """With a base_url its path is what links begin with, whatever page they are on."""
        for page in ("/", "/x/y/z"):
            made = links(Base("https://proxy.example/sup/er/"), page)
            self.assertEqual(made.to(""), "/sup/er/")
            self.assertEqual(made.to("config"), "/sup/er/config")
            self.assertEqual(made.static("a.js"), "/sup/er/static/v/a.js")
        self.assertEqual(links(Base("http://proxy.example/"), "/x/y").to("config"), "/config")

    def test_inner(self) -> None:
        """A path that a proxy has left as it was is understood, and one that it has cut too."""
        base = Base("https://proxy.example/sup/")
        for uri, inner in (
            ("/sup/RPC2", "/RPC2"),
            ("/sup/", "/"),
            ("/sup", "/"),
            ("/sup?a=b", "/?a=b"),
            ("/sup/x?y=/sup/", "/x?y=/sup/"),
            ("/super/x", "/super/x"),
            ("/x/sup/", "/x/sup/"),
            ("/RPC2", "/RPC2"),
            ("/", "/"),
            ("*", "*"),
        ):
            self.assertEqual(base.inner(uri.encode()), inner.encode())
        for other in (Base(None), Base("https://proxy.example/")):
            self.assertEqual(other.inner(b"/sup/x"), b"/sup/x")

    @settings(deadline=None)
    @given(st.lists(st.from_regex(r"[a-z0-9:%;?#.-]{0,5}", fullmatch=True), max_size=5))
    def test_never_above(self, segments: list[str]) -> None:
        """No address makes a link that leads to another host."""
        made = links(Base(None), "/" + "/".join(segments))
        self.assertRegex(made.root, r"\A(\.\./)*\Z")
