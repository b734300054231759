"""Static files."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import supervisor_tx.web
from supervisor_tx.web.assets import OLD, TYPES, Assets, assets
from supervisor_tx.web.links import Links
from supervisor_tx.web.request import Request
from supervisor_tx.web.site import Site
from tests.web.wire import Answer, World, request

CSS = b"body { color: black }\n" * 100

FILES = {"look.css": CSS, "icon.svg": b"<svg/>", "a.js": b"import './b.js'\n" * 9, "p.png": b"\x89"}

ASSETS = Assets(FILES)


class Serving(Site):
    """Serves nothing but the files."""

    def _page(self, request: Request) -> None:
        links = Links(self.content.base.root(request.uri), ASSETS.place)
        if not ASSETS.answer(request, request.place.lstrip(b"/"), links):
            request.refuse(404)


class ServingWorld(World):
    kind = Serving


class AssetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = ServingWorld()

    def get(self, uri: str, method: str = "GET", **headers: str) -> Answer:
        return self.world.connect().ask(request(method, uri, **headers), method)

    def file(self, name: str, **headers: str) -> Answer:
        return self.get(f"/{ASSETS.place(name)}", **headers)

    def test_served(self) -> None:
        """A file has its type, and may be kept for ever."""
        for name, kind in {
            "look.css": "text/css; charset=utf-8",
            "a.js": "text/javascript; charset=utf-8",
            "icon.svg": "image/svg+xml",
            "p.png": "image/png",
        }.items():
            answer = self.file(name)
            self.assertEqual((answer.code, answer.body), (200, FILES[name]))
            self.assertEqual(answer.headers["content-type"], kind)
            self.assertEqual(answer.headers["cache-control"], "public, max-age=31536000, immutable")
            self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
            self.assertNotIn("content-encoding", answer.headers)

    def test_compressed(self) -> None:
        """Who takes it compressed gets it so, if that is smaller."""
        for accepted, packed in (
            ("gzip", True),
            ("br, GZIP;q=0.5", True),
            ("deflate, gzip;q=1.0, *;q=0.5", True),
            ("gzip;q=0", False),
            ("gzip; q=0.0", False),
            ("br", False),
            ("", False),
        ):
            answer = self.file("look.css", Accept_Encoding=accepted)
            self.assertEqual("content-encoding" in answer.headers, packed, accepted)
            self.assertEqual(gzip.decompress(answer.body) if packed else answer.body, CSS)
            self.assertEqual(answer.headers["vary"], "Accept-Encoding")
        for name in ("p.png", "icon.svg"):
            answer = self.file(name, Accept_Encoding="gzip")
            self.assertNotIn("content-encoding", answer.headers)

    def test_known(self) -> None:
        """Who has a file already is told so."""
        tag = self.file("look.css").headers["etag"]
        for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
            answer = self.file("look.css", If_None_Match=known)
            self.assertEqual((answer.code, answer.body), (304, b""), known)
            self.assertEqual(answer.headers["etag"], tag)
        self.assertEqual(self.file("look.css", If_None_Match='"x"').code, 200)

    def test_head(self) -> None:
        """HEAD tells of the same, and other methods of nothing."""
        answer = self.get(f"/{ASSETS.place('look.css')}", "HEAD")
        self.assertEqual((answer.code, answer.headers["content-length"]), (200, str(len(CSS))))
        self.assertEqual(self.get(f"/{ASSETS.place('look.css')}", "DELETE").code, 404)

    def test_other_version(self) -> None:
        """An address of another version, or of none, leads to the file as it is now."""
        for uri, place in (
            ("/static/0123456789abcdef/a.js", "../../static/{v}/a.js"),
            ("/static/a.js", "../static/{v}/a.js"),
            ("/favicon.ico", "./static/{v}/icon.svg"),
            ("/stylesheets/supervisor.css", "../static/{v}/look.css"),
            ("/images/icon.png", "../static/{v}/icon.svg"),
        ):
            answer = self.get(uri)
            self.assertEqual(answer.code, 302, uri)
            self.assertEqual(answer.headers["location"], place.format(v=ASSETS.version))
            self.assertEqual(answer.headers["cache-control"], "no-store")

    def test_only_the_table(self) -> None:
        """What is not in the table is not found, however it is asked for."""
        v = ASSETS.version
        for uri in (
            f"/static/{v}/other.css", f"/static/{v}/", f"/static/{v}", "/static/", "/static",
            f"/static/{v}/../look.css", f"/static/{v}/%2e%2e/assets.py", f"/static/{v}/x/look.css",
            f"/static/{v}//etc/passwd", f"/static/{v}/look.css/", f"/static/{v}/look.css%00",
            f"/other/{v}/look.css", "/look.css", f"/static/{v}/assets.py", "/static/%ff/%ff",
        ):  # fmt: skip
            self.assertEqual(self.get(uri).code, 404, uri)

    def test_version(self) -> None:
        """The version is that of all files, and of their names."""
        versions = {
            Assets(files).version
            for files in (
                FILES,
                {**FILES, "a.js": b""},
                {**FILES, "b.js": b""},
                {("b.js" if name == "a.js" else name): body for name, body in FILES.items()},
                {"ab.js": b"c"},
                {"a.js": b"bc"},
            )
        }
        self.assertEqual(len(versions), 6)
        self.assertEqual(Assets(dict(reversed(FILES.items()))).version, ASSETS.version)


class OurOwnTests(SynchronousTestCase):
    """The files that we have."""

    folder = Path(supervisor_tx.web.__path__[0]) / "static"

    def test_all_served(self) -> None:
        """Whatever is in the folder is served, and what old addresses lead to is there."""
        names = sorted(path.name for path in self.folder.iterdir())
        self.assertEqual([name for name in names if name not in assets()], [])
        self.assertEqual([name for name in OLD.values() if name not in assets()], [])

    def test_nothing_from_elsewhere(self) -> None:
        """They need no other host, and modules import only each other, by relative names."""
        for path in self.folder.iterdir():
            if path.suffix not in (".css", ".js", ".svg"):
                continue
            text = path.read_text("utf-8")
            outside = [
                found
                for found in re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text)
                if found != "http://www.w3.org"
            ]
            self.assertEqual(outside, [], path.name)
            for name in re.findall(r"""\b(?:from|import)(?:\s+|\s*\()["']([^"']+)["']""", text):
                self.assertIn(name.removeprefix("./"), assets(), path.name)
                self.assertTrue(name.startswith("./"), f"{path.name}: {name}")

    def test_types(self) -> None:
        """Nothing is served as a page."""
        self.assertNotIn(b"html", b"".join(TYPES.values()))
