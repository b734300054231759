"""Basic authentication: who may ask a server, and who it is."""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import b64decode

from supervisor_tx.values import field, frozen

#: What a stored password begins with that is the SHA-1 of the real one, in hexadecimal digits.
SHA = "{SHA}"


@frozen
class Credentials:
    """The one user of a server, and the password as it is configured."""

    username: str
    password: str = field(repr=False)

    def admit(self, header: bytes | None) -> bool:
        """
        Tell whether the value of an ``Authorization`` header is right.

        What cannot be understood is wrong. How long it takes says nothing about the password.
        """
        if header is None:
            return False
        scheme, _, encoded = header.partition(b" ")
        if scheme.lower() != b"basic":
            return False
        try:
            user, colon, password = b64decode(encoded.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return False
        right_user = hmac.compare_digest(user, self.username.encode())
        return bool(colon) and self._is_password(password) & right_user

    def _is_password(self, sent: bytes) -> bool:
        if not self.password.startswith(SHA):
            return hmac.compare_digest(sent, self.password.encode())
        digest = hashlib.sha1(sent, usedforsecurity=False).hexdigest()
        stored = self.password[len(SHA) :].strip().lower()
        return hmac.compare_digest(digest.encode(), stored.encode())


def credentials(username: str | None, password: str | None) -> Credentials | None:
    """Return what a server asks for; None, also where the user name is empty: nothing."""
    return Credentials(username, password or "") if username else None
