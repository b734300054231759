"""Logs page by page: whole lines, and places where some text stands."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.errors import LogFailed, NoLogFile
from supervisor_tx.supervision.logs import paging
from supervisor_tx.supervision.logs.paging import PAGE

#: Lines of 26 bytes, so many that they fill some pages.
LINES = b"".join(b"line %06d of a long log\n" % n for n in range(5000))


class PagingTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.log = str(self.path)


class PageTests(PagingTestCase):
    def test_short(self) -> None:
        """A short log is one page."""
        self.path.write_bytes(b"one\ntwo")
        for page in (paging.before(self.log), paging.after(self.log, 0)):
            self.assertEqual((page.data, page.begin, page.end, page.size), (b"one\ntwo", 0, 7, 7))

    def test_empty(self) -> None:
        """An empty log is an empty page."""
        self.path.touch()
        page = paging.before(self.log)
        self.assertEqual((page.data, page.begin, page.size), (b"", 0, 0))

    def test_backwards(self) -> None:
        """From the end to the beginning each line is on one page, and none is cut."""
        self.path.write_bytes(LINES)
        pages = [paging.before(self.log)]
        while pages[0].begin:
            pages.insert(0, paging.before(self.log, pages[0].begin))
        self.assertGreater(len(pages), 3)
        self.assertEqual(b"".join(page.data for page in pages), LINES)
        for page in pages:
            self.assertLessEqual(len(page.data), PAGE)
            self.assertEqual((page.data[:5], page.data[-1:]), (b"line ", b"\n"))

    def test_forwards(self) -> None:
        """From the beginning to the end as well."""
        self.path.write_bytes(LINES + b"the end")
        place, found = 0, b""
        while place < len(LINES) + 7:
            page = paging.after(self.log, place)
            self.assertEqual(page.begin, place)
            found += page.data
            place = page.end
        self.assertEqual(found, LINES + b"the end")

    def test_long_line(self) -> None:
        """A line that is longer than a page is shown in pieces."""
        self.path.write_bytes(b"x" * (3 * PAGE) + b"\nlast\n")
        page = paging.before(self.log)
        self.assertEqual(page.data, b"last\n")
        page = paging.before(self.log, page.begin)
        self.assertEqual(len(page.data), PAGE)
        self.assertEqual(len(paging.after(self.log, 0).data), PAGE)

    def test_beyond(self) -> None:
        """A place that is not there (any more) is the end."""
        self.path.write_bytes(b"one\n")
        self.assertEqual(paging.before(self.log, 99).data, b"one\n")
        self.assertEqual(paging.after(self.log, 99).data, b"")

    def test_no_file(self) -> None:
        """Without a file, or with something else in its place, there is nothing."""
        self.assertRaises(NoLogFile, paging.before, None)
        self.assertRaises(NoLogFile, paging.before, self.log)
        self.path.mkdir()
        self.assertRaises(LogFailed, paging.after, self.log, 0)


class FindTests(PagingTestCase):
    def test_backwards(self) -> None:
        """The last place is found first, then the one before."""
        self.path.write_bytes(LINES)
        found = paging.find(self.log, "1 of")
        places: list[bytes] = []
        while found.found is not None and len(places) < 3:
            places.append(LINES[found.found - 5 : found.found + 1])
            self.assertTrue(found.begin <= found.found < found.end)
            found = paging.find(self.log, "1 of", found.found)
        self.assertEqual(places, [b"004991", b"004981", b"004971"])

    def test_forwards(self) -> None:
        """From a place towards the end, not counting what begins before."""
        self.path.write_bytes(b"aba aba aba")
        self.assertEqual(paging.find(self.log, "aba", 0, forwards=True).found, 0)
        self.assertEqual(paging.find(self.log, "aba", 1, forwards=True).found, 4)
        self.assertEqual(paging.find(self.log, "aba", 9, forwards=True).found, None)

    def test_case(self) -> None:
        """Small letters find capital ones too, but not the other way round."""
        self.path.write_bytes("an ERROR, an Error, Ärger".encode())
        self.assertEqual(paging.find(self.log, "error").found, 13)
        self.assertEqual(paging.find(self.log, "ERROR").found, 3)
        self.assertEqual(paging.find(self.log, "Ärger").found, 20)

    def test_not_there(self) -> None:
        """Where it does not stand the last page is shown."""
        self.path.write_bytes(LINES)
        page = paging.find(self.log, "nowhere")
        self.assertEqual((page.found, page.searched), (None, None))
        self.assertEqual(page.data, paging.before(self.log).data)
        self.assertIsNone(paging.find(self.log, "").found)

    def test_across_pieces(self) -> None:
        """A text that is cut by what is read at once is found too, in both directions."""
        piece = 1 << 20
        for place in (piece - 3, piece, piece + 1, 2 * piece - 1):
            with self.path.open("wb") as log:
                log.truncate(3 * piece)
                log.seek(place)
                log.write(b"needle")
            self.assertEqual(paging.find(self.log, "needle").found, place)
            self.assertEqual(paging.find(self.log, "needle", forwards=True).found, place)

    def test_given_up(self) -> None:
        """A search in a log without end stops, and can be gone on with."""
        with self.path.open("wb") as log:
            log.write(b"needle")
            log.truncate(3 << 20)
        page = paging.find(self.log, "needle", most=1 << 20)
        self.assertEqual((page.found, page.searched), (None, 2 << 20))
        page = paging.find(self.log, "needle", page.searched, most=1 << 20)
        page = paging.find(self.log, "needle", page.searched, most=1 << 20)
        self.assertEqual((page.found, page.searched), (0, None))

    @given(st.binary(max_size=60), st.integers(-5, 70))
    def test_anything(self, data: bytes, place: int) -> None:
        """What is found is there, and is the nearest."""
        self.path.write_bytes(data)
        before = paging.find(self.log, "a", place).found
        after = paging.find(self.log, "a", place, forwards=True).found
        inside = max(0, min(place, len(data)))
        places = [at for at, byte in enumerate(data) if byte in b"aA"]
        self.assertEqual(before, max((at for at in places if at < inside), default=None))
        self.assertEqual(after, min((at for at in places if at >= inside), default=None))
