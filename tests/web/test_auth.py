"""Basic authentication."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from hypothesis import given
from hypothesis.strategies import binary, text
from twisted.trial.unittest import SynchronousTestCase

from supervisor_tx.web.auth import Credentials, credentials


def header(pair: str) -> bytes:
    return b"Basic " + b64encode(pair.encode())


class CredentialsTests(SynchronousTestCase):
    def test_right(self) -> None:
        """User and password as they are configured are right, also with colons and accents."""
        for password in ("secret", "with:colons::", "", "größer", "{sha}not", "%"):
            asked = Credentials("user", password)
            self.assertTrue(asked.admit(header(f"user:{password}")), password)

    def test_scheme(self) -> None:
        """The scheme may be written in any way, and blanks do not matter."""
        asked = Credentials("user", "x")
        encoded = b64encode(b"user:x")
        for scheme in (b"Basic ", b"basic ", b"BASIC  "):
            self.assertTrue(asked.admit(scheme + encoded + b" "))

    def test_wrong(self) -> None:
        """Everything else is wrong."""
        asked = Credentials("user", "secret")
        for sent in (
            None, b"", b"Basic", b"Basic ", b"Basic !!!", b"Digest user:secret", header("user"),
            header("user:"), header("user:Secret"), header("user:secret "), header("User:secret"),
            header(":secret"), header(":"), header("user:secretsecret"), header("secret:user"),
            b"Basic " + b64encode(b"us\xff:\xfe"), b64encode(b"user:secret"), b"Basic \xff\xff",
            header("user:secret")[:-3],
        ):  # fmt: skip
            self.assertFalse(asked.admit(sent), sent)

    def test_digest(self) -> None:
        """A password may be stored as its SHA-1."""
        digest = hashlib.sha1(b"pa:ss").hexdigest()
        for stored in (f"{{SHA}}{digest}", f"{{SHA}}{digest.upper()}"):
            asked = Credentials("user", stored)
            self.assertTrue(asked.admit(header("user:pa:ss")))
            self.assertFalse(asked.admit(header(f"user:{digest}")))
            self.assertFalse(asked.admit(header(f"user:{stored}")))
            self.assertFalse(asked.admit(header("user:")))

    def test_broken_digest(self) -> None:
        """What cannot be a digest lets nobody in."""
        for stored in ("{SHA}", "{SHA}é", "{SHA}abc"):
            for password in ("", stored, "abc"):
                self.assertFalse(Credentials("user", stored).admit(header(f"user:{password}")))

    def test_none(self) -> None:
        """Without a user name, or with an empty one, nothing is asked for."""
        self.assertIsNone(credentials(None, None))
        self.assertIsNone(credentials("", ""))
        self.assertEqual(credentials("a", "b"), Credentials("a", "b"))

    def test_never_shown(self) -> None:
        """The password is not in what may get into a log."""
        self.assertNotIn("secret", repr(Credentials("user", "secret")))

    @given(binary())
    def test_anything(self, sent: bytes) -> None:
        """Whatever is sent, the answer is no."""
        self.assertFalse(Credentials("user", "secret").admit(sent))

    @given(text(), text())
    def test_any_pair(self, user: str, password: str) -> None:
        """Only the right pair is right."""
        try:
            sent = header(f"{user}:{password}")
        except UnicodeEncodeError:
            return
        self.assertEqual(
            Credentials("user", "se:cret").admit(sent), f"{user}:{password}" == "user:se:cret"
        )
