"""Listening sockets: taken, taken over, refused, given back."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.config.model import ServerConfig
from supervisor_tx.errors import CannotStart
from supervisor_tx.web import sockets
from supervisor_tx.web.sockets import ALREADY_LISTENING, AlreadyListening, ClaimedSocket
from tests import requirements


class SocketTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tx")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "x.sock"
        self.told: list[str] = []

    def unix(self, path: Path | None = None, **options: object) -> ServerConfig:
        options.setdefault("chmod", 0o700)
        return ServerConfig("unix_http_server", file=str(path or self.path), **options)  # type: ignore[arg-type]

    def claim(self, config: ServerConfig) -> ClaimedSocket:
        claimed = sockets.claim(config, self.told.append)
        self.addCleanup(claimed.close)
        return claimed

    def refusal(self, config: ServerConfig) -> str:
        return str(self.assertRaises(CannotStart, self.claim, config))

    def left(self) -> list[str]:
        return sorted(os.listdir(self.folder))


class UnixTests(SocketTestCase):
    """Sockets that are files."""

    def test_taken(self) -> None:
        """The file is there, private, alone in its folder, and clients may come at once."""
        self.claim(self.unix())
        found = os.lstat(self.path)
        self.assertTrue(stat.S_ISSOCK(found.st_mode))
        self.assertEqual(stat.S_IMODE(found.st_mode), 0o700)
        self.assertEqual(self.left(), ["x.sock"])
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))

    def test_mode(self) -> None:
        """It has the mode that is configured, whatever the umask."""
        before = os.umask(0o777)
        self.addCleanup(os.umask, before)
        self.claim(self.unix(chmod=0o766))
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o766)

    def test_owner(self) -> None:
        """It can be given away."""
        requirements.root()
        self.claim(self.unix(chown=(12, -1)))
        found = os.lstat(self.path)
        self.assertEqual((found.st_uid, found.st_gid), (12, os.getegid()))

    def test_owner_refused(self) -> None:
        """If it cannot be given away nothing is left behind, and the words are Supervisor's."""
        requirements.root()
        os.chmod(self.folder, 0o777)
        os.seteuid(65534)
        try:
            text = self.refusal(self.unix(chown=(0, 0)))
        finally:
            os.seteuid(0)
        self.assertIn(f"Not permitted to chown {self.path} to uid/gid (0, 0); adjust", text)
        self.assertEqual(self.left(), [])

    def test_given_back(self) -> None:
        """In the end the file is gone."""
        claimed = self.claim(self.unix())
        self.assertTrue(claimed.has_name())
        claimed.close()
        self.assertEqual(self.left(), [])

    def test_not_ours_any_more(self) -> None:
        """A file that is somebody else's by now is not removed, nor touched."""
        claimed = self.claim(self.unix())
        self.path.unlink()
        other = self.claim(self.unix(chmod=0o755))
        self.assertFalse(claimed.has_name())
        claimed.dress(self.unix(chmod=0o711))
        claimed.close()
        self.assertTrue(other.has_name())
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o755)

    def test_alive(self) -> None:
        """One that somebody listens to is refused, and goes on as if nothing had been."""
        theirs = self.claim(self.unix())
        before = os.lstat(self.path)
        error = self.assertRaises(AlreadyListening, self.claim, self.unix(chmod=0o777))
        self.assertTrue(str(error).startswith(ALREADY_LISTENING))
        self.assertIn(str(self.path), str(error))
        self.assertEqual(os.lstat(self.path)[:9], before[:9])
        self.assertTrue(theirs.has_name())
        self.assertEqual((self.left(), self.told), (["x.sock"], []))

    def test_hanging(self) -> None:
        """One whose owner hangs, its queue full, is alive too; nobody waits for it."""
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(self.path))
            theirs.listen(0)
            clients = []
            while True:
                client = socket.socket(socket.AF_UNIX)
                self.addCleanup(client.close)
                client.setblocking(False)
                clients.append(client)
                try:
                    client.connect(str(self.path))
                except BlockingIOError:
                    break
            self.assertRaises(AlreadyListening, self.claim, self.unix())
        self.assertEqual(self.left(), ["x.sock"])

    def test_other_kind(self) -> None:
        """A living socket of another kind is somebody's as well."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as theirs:
            theirs.bind(str(self.path))
            self.assertRaises(AlreadyListening, self.claim, self.unix())
        self.claim(self.unix())  # now it is stale
        self.assertEqual(len(self.told), 1)

    def test_stale(self) -> None:
        """One that nobody listens to is taken over, with a word about it."""
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(str(self.path))
        claimed = self.claim(self.unix())
        self.assertTrue(claimed.has_name())
        self.assertEqual(self.told, [f"Unlinking stale socket {self.path}"])
        self.assertEqual(self.left(), ["x.sock"])

    def test_race(self) -> None:
        """Another daemon that takes over the stale one a moment before us keeps it."""
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(self.path))
        os.utime(self.path, (1, 1))
        rename = os.rename
        theirs = socket.socket(socket.AF_UNIX)
        self.addCleanup(theirs.close)

        def after_the_other(source: str, target: str) -> None:
            os.unlink(source)
            theirs.bind(str(self.path))
            theirs.listen()
            rename(source, target)

        self.patch(os, "rename", after_the_other)
        self.assertRaises(AlreadyListening, self.claim, self.unix())
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
        self.assertEqual(self.left(), ["x.sock"])

    def test_no_socket(self) -> None:
        """Anything else that lies there stays there."""
        self.path.write_text("precious")
        text = self.refusal(self.unix())
        self.assertIn(f"{self.path} exists and is not a socket", text)
        self.assertEqual(self.path.read_text(), "precious")
        self.path.unlink()
        self.path.symlink_to("/dev/null")
        self.refusal(self.unix())
        self.path.unlink()
        self.path.mkdir()
        self.refusal(self.unix())
        self.assertEqual(self.left(), ["x.sock"])

    def test_no_folder(self) -> None:
        """Where there is no folder the words are Supervisor's, and ours."""
        text = self.refusal(self.unix(self.folder / "no" / "x.sock"))
        self.assertTrue(
            text.startswith(
                "Cannot open an HTTP server: socket.error reported errno.ENOENT (2) "
                "([unix_http_server] "
            ),
            text,
        )

    def test_long_path(self) -> None:
        """A path may be as long as the kernel allows, and no longer."""
        room = 107 - len(str(self.folder)) - 1
        self.claim(self.unix(self.folder / ("x" * room)))
        self.assertEqual(self.left(), ["x" * room])
        text = self.refusal(self.unix(self.folder / ("x" * (room + 1))))
        self.assertIn("Cannot open an HTTP server: socket.error reported ", text)
        self.assertEqual(self.left(), ["x" * room])

    def test_leftover_of_our_pid(self) -> None:
        """What a daemon of the same pid has left, killed at a bad moment, is in nobody's way."""
        with socket.socket(socket.AF_UNIX) as theirs:
            theirs.bind(f"{self.path}.{os.getpid()}")
        self.claim(self.unix())
        self.assertEqual(self.left(), ["x.sock"])

    def test_new_mode(self) -> None:
        """A socket that is kept over a restart gets the mode that it has now."""
        claimed = self.claim(self.unix())
        claimed.dress(self.unix(chmod=0o770))
        self.assertEqual(stat.S_IMODE(os.lstat(self.path).st_mode), 0o770)


class InetTests(SocketTestCase):
    """TCP ports."""

    def inet(self, host: str = "127.0.0.1", port: int = 0) -> ServerConfig:
        return ServerConfig("inet_http_server", address=(host, port))

    def test_taken(self) -> None:
        """Clients may come at once."""
        claimed = self.claim(self.inet())
        self.assertTrue(claimed.has_name())
        with socket.create_connection(claimed.socket.getsockname()):
            pass

    def test_all_interfaces(self) -> None:
        """Without a host it is all interfaces."""
        claimed = self.claim(self.inet(""))
        self.assertEqual(claimed.socket.getsockname()[0], "0.0.0.0")

    def test_alive(self) -> None:
        """A port that is taken is refused in Supervisor's words."""
        port = self.claim(self.inet()).socket.getsockname()[1]
        text = self.refusal(self.inet(port=port))
        self.assertTrue(text.startswith(ALREADY_LISTENING))
        self.assertIn(f"127.0.0.1:{port}", text)

    def test_again(self) -> None:
        """A port can be taken again at once, although its connections are not forgotten yet."""
        claimed = self.claim(self.inet())
        address = claimed.socket.getsockname()
        with socket.create_connection(address) as client:
            accepted = claimed.socket.accept()[0]
            accepted.close()  # this end first: it is the one that waits
            client.recv(1)
        claimed.close()
        self.claim(self.inet(*address))

    def test_not_ours(self) -> None:
        """An address that is not of this machine is refused with its number."""
        text = self.refusal(self.inet("192.0.2.1", 9))
        self.assertIn("socket.error reported errno.EADDRNOTAVAIL (99)", text)

    def test_unknown_host(self) -> None:
        """A host that nobody knows is named."""
        text = self.refusal(self.inet("nobody.invalid", 9))
        self.assertIn("Could not determine IP address for hostname nobody.invalid", text)

    def test_six(self) -> None:
        """IPv6 works where it is."""
        requirements.require(socket.has_ipv6 and Path("/proc/net/if_inet6").exists(), "needs IPv6")
        if "00000000000000000000000000000001" not in Path("/proc/net/if_inet6").read_text():
            self.skipTest("needs the IPv6 loopback")
        claimed = self.claim(self.inet("[::1]"))
        with socket.create_connection(claimed.socket.getsockname()[:2]):
            pass
