"""Where a configuration is on disk, and whether it is as it was when it was read."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config import loader
from supervisor_tx.config.sources import Sources, find

MAIN = "[supervisord]\nlogfile={folder}/log\n[include]\nfiles={patterns}\n"


class SourcesTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name).resolve()
        self.main = self.folder / "main.conf"

    def write(self, *patterns: str) -> None:
        self.main.write_text(MAIN.format(folder=self.folder, patterns=" ".join(patterns)))

    def place(self, *names: str) -> None:
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")

    def find(self, *patterns: str) -> Sources:
        return find(str(self.main), [str(self.folder / pattern) for pattern in patterns])

    def names(self, found: Sources) -> list[str]:
        return [os.path.relpath(path, self.folder) for path, _ in found.files]

    def folders(self, found: Sources) -> set[str]:
        return {os.path.relpath(folder, self.folder) for folder in found.folders}

    def test_as_read(self) -> None:
        """What was read is what is found, until something is written, comes or goes."""
        self.write("d/*.conf", "other.conf")
        self.place("d/a.conf", "d/b.conf", "other.conf")
        config = loader.load(str(self.main), environ={})
        expected = dict(config.files)
        self.assertEqual(config.includes, (f"{self.folder}/d/*.conf", f"{self.folder}/other.conf"))
        self.assertEqual(len(expected), 4)

        def is_same() -> bool:
            return dict(find(str(self.main), config.includes).files) == expected

        self.assertTrue(is_same())
        (self.folder / "d" / "a.conf").write_text("; x")
        self.assertFalse(is_same())
        config = loader.load(str(self.main), environ={})
        expected = dict(config.files)
        self.assertTrue(is_same())
        self.place("d/c.conf")
        self.assertFalse(is_same())
        (self.folder / "d" / "c.conf").unlink()
        self.assertTrue(is_same())
        (self.folder / "other.conf").unlink()
        self.assertFalse(is_same())

    def test_missing(self) -> None:
        """A main file that is not there is told as such."""
        self.assertEqual(find(str(self.main), ()).files, ((str(self.main), None),))

    def test_folders(self) -> None:
        """Folders are those of files and patterns, and those where matching ones may appear."""
        self.write()
        self.place("d/a.conf", "p/x/a.conf", "p/y/a.conf")
        self.assertEqual(self.folders(self.find()), {"."})
        self.assertEqual(self.folders(self.find("d/*.conf")), {".", "d"})
        found = self.find("p/*/*.conf")
        self.assertEqual(self.names(found), ["main.conf", "p/x/a.conf", "p/y/a.conf"])
        self.assertEqual(self.folders(found), {".", "p", "p/x", "p/y"})
        self.assertEqual(self.folders(self.find("p/*/z/*.conf")), {".", "p", "p/x", "p/y"})

    def test_absent_folders(self) -> None:
        """In place of a folder that is not there the nearest one above counts."""
        self.write()
        self.assertEqual(self.folders(self.find("no/where/*.conf")), {"."})
        self.place("no/x")
        self.assertEqual(self.folders(self.find("no/where/*.conf")), {".", "no"})

    def test_links(self) -> None:
        """Behind symbolic links it is the folder of the file too."""
        self.write()
        self.place("real/a.conf", "d/x")
        (self.folder / "d" / "a.conf").symlink_to(self.folder / "real" / "a.conf")
        (self.folder / "d" / "b.conf").symlink_to(self.folder / "nowhere")
        found = self.find("d/*.conf")
        self.assertEqual(self.folders(found), {".", "d", "real"})
        self.assertIs(dict(found.files)[f"{self.folder}/d/b.conf"], None)
        (self.folder / "e").symlink_to(self.folder / "real")
        self.assertEqual(self.folders(self.find("e/*.conf")), {".", "e", "real"})

    def test_nonsense(self) -> None:
        """What no file can be called is as good as absent."""
        self.write()
        found = find(str(self.main), (f"{self.folder}/\0*", f"{self.folder}/\0/x*"), ("/a\0",))
        self.assertEqual(found.files[0][0], str(self.main))
        self.assertIs(dict(found.files)["/a\0"], None)
