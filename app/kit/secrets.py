"""Encryption at rest, derived keys and digests under the rotating secret keys.

The first secret key encrypts and signs; every one decrypts and verifies, so that a rotation is: put the new key in
front, restart, and take the old one away when nothing depends on it any more.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet


class SecretUnreadable(ValueError):
    """Raised when a stored secret was encrypted under a key that is not configured any more."""


def derive(secret: str, purpose: str) -> bytes:
    """Return a 32-byte key for one purpose; keys of different purposes tell nothing about each other."""
    return hmac.digest(secret.encode(), b"trireme:" + purpose.encode(), hashlib.sha256)


class Vault:
    """Encrypts small secrets (API keys, private keys) for the database."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """Prepare the keys.

        Args:
            secret_keys: Of `Settings.secret_keys`, the encrypting one first.
        """
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(derive(key, "vault"))) for key in secret_keys])

    def seal(self, text: str) -> bytes:
        """Return `text` encrypted under the first key."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Return what was sealed.

        Raises:
            SecretUnreadable: None of the keys fits.
        """
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise SecretUnreadable("sealed under a secret key that is not configured") from None


def digest(key: str) -> bytes:
    """Return the digest an API key is looked up by. Keys are random, so a plain hash tells nothing."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
