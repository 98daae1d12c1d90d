"""DKIM signatures: relaxed/relaxed, RSA and Ed25519, with a key that is loaded once.

Signing RSA-2048 takes about 0.4 ms and releases the interpreter lock; everything else here takes microseconds.
May import `cryptography` and the standard library.

Source: RFC 6376, RFC 8463, RFC 8301 (key sizes).
"""

import base64
import hashlib
import re
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
PublicKey = RSAPublicKey | Ed25519PublicKey

SIGNED = (
    "from",
    "to",
    "cc",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "sender",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "in-reply-to",
    "references",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "feedback-id",
    "x-trireme-message",
    "resent-date",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-message-id",
)
"""Headers that are signed when present (RFC 6376, 5.4.1; RFC 8058 wants the List-Unsubscribe pair)."""
WIDTH = 76
"""Length at which the signature is folded."""

_BLANKS = re.compile(rb"[ \t]+")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\Z")
# Whatever senders may choose must sign: dashes and underscores stand anywhere in it (dyn-email.md, 8.5).
_SELECTOR = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,252}\Z")
_FOLD = "\r\n "
_SHA256 = hashes.SHA256()
_PADDING = PKCS1v15()


class Signer:
    """Signs for one domain and selector."""

    __slots__ = ("_key", "_start", "domain", "selector")

    def __init__(self, domain: str, selector: str, private_key: str | bytes | PrivateKey) -> None:
        """Load the key.

        Args:
            domain: d=, in ASCII (A-labels).
            selector: s=.
            private_key: PEM without a passphrase, or a key object.

        Raises:
            ValueError: Domain, selector or key is not usable.
        """
        if not _DOMAIN.match(domain) or not _SELECTOR.match(selector):
            raise ValueError("not a domain or selector")
        key = _load(private_key) if isinstance(private_key, str | bytes) else private_key
        self.domain = domain
        self.selector = selector
        self._key = key
        algorithm = "rsa-sha256" if isinstance(key, RSAPrivateKey) else "ed25519-sha256"
        self._start = f"v=1; a={algorithm}; c=relaxed/relaxed; d={domain};\r\n s={selector}; t="

    def sign(
        self,
        head: bytes,
        body: bytes,
        extra_head: bytes = b"",
        *,
        hashed_body: str | None = None,
        signed_at: int | None = None,
    ) -> bytes:
        """Return the complete, folded `DKIM-Signature` line for the mail `extra_head + head + CRLF + body`.

        Args:
            head: The common header lines; their canonical form is remembered, so many copies cost little.
            body: The body; not looked at when `hashed_body` is given.
            extra_head: Header lines of this copy, which stand before `head`.
            hashed_body: What `body_hash(body)` returned.
            signed_at: t= in epoch seconds; default now.
        """
        names, lines = select([*relaxed(extra_head), *relaxed(head)])
        bh = hashed_body if hashed_body is not None else body_hash(body)
        return self.sign_relaxed(tuple(names), b"".join(lines), bh, signed_at)

    def sign_relaxed(
        self, names: tuple[str, ...], lines: bytes, hashed_body: str, signed_at: int | None = None
    ) -> bytes:
        """Return the complete, folded `DKIM-Signature` line for headers that are canonical already.

        Args:
            names: h=, as of `select`; remembered, so the same tuple again costs nothing.
            lines: The relaxed lines of those names in the same order, each with CRLF.
            hashed_body: bh=.
            signed_at: t= in epoch seconds; default now.
        """
        moment = int(time.time()) if signed_at is None else signed_at
        unsigned = f"{self._start}{moment};\r\n {_folded(names)}\r\n bh={hashed_body};\r\n b="
        # b= counts as empty, and the last line has no CRLF (RFC 6376, 3.7).
        canonical = f"dkim-signature:{unsigned.replace(_FOLD, ' ')}"
        return f"DKIM-Signature: {unsigned}{self._signature(lines + canonical.encode('ascii'))}\r\n".encode("ascii")

    def _signature(self, data: bytes) -> str:
        if isinstance(self._key, RSAPrivateKey):
            raw = self._key.sign(data, _PADDING, _SHA256)
        else:
            raw = self._key.sign(hashlib.sha256(data).digest())  # RFC 8463, section 3
        text = base64.b64encode(raw).decode("ascii")
        return _FOLD.join(text[start : start + WIDTH - 4] for start in range(0, len(text), WIDTH - 4))


def body_hash(body: bytes) -> str:
    """Return bh= of a body with CRLF line ends: base64 of the SHA-256 of its relaxed form (RFC 6376, 3.4.4)."""
    body = relaxed_text(body)
    if body.endswith(b"\r\n\r\n") or body == b"\r\n":
        body = body.rstrip(b"\r\n") + b"\r\n"
        body = b"" if body == b"\r\n" else body
    elif body and not body.endswith(b"\r\n"):
        body = body.rstrip(b" ") + b"\r\n"
    return base64.b64encode(hashlib.sha256(body).digest()).decode("ascii")


def relaxed_text(octets: bytes) -> bytes:
    """Return octets of a body with runs of blanks as one and none at the ends of lines (RFC 6376, 3.4.4).

    What is done to empty lines at the end of a body is left to the caller.
    """
    if b"\t" in octets:
        octets = octets.replace(b"\t", b" ")
    while b"  " in octets:  # each pass halves the longest run
        octets = octets.replace(b"  ", b" ")
    if b" \r\n" in octets:
        octets = octets.replace(b" \r\n", b"\r\n")
    return octets


def make_key(kind: Literal["rsa", "ed25519"] = "rsa") -> tuple[str, str]:
    """Make a key pair; RSA has 2048 bits.

    Returns:
        The private key as PEM (PKCS 8, not encrypted), and the value of its DNS record.
    """
    key: PrivateKey = generate_private_key(65537, 2048) if kind == "rsa" else Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode("ascii")
    return pem, record_value(key.public_key())


def record_value(public: str | bytes | PublicKey | PrivateKey) -> str:
    """Return the TXT value to publish at `<selector>._domainkey.<domain>`.

    Args:
        public: The public key, the private key, or the private key's PEM. In a zone file the value of an RSA key
            must be cut into strings of at most 255 characters.

    Raises:
        ValueError: The key is not usable.
    """
    key = _load(public) if isinstance(public, str | bytes) else public
    if isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        key = key.public_key()
    if isinstance(key, RSAPublicKey):
        raw = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return f"v=DKIM1; k=rsa; p={base64.b64encode(raw).decode('ascii')}"
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return f"v=DKIM1; k=ed25519; p={base64.b64encode(raw).decode('ascii')}"


def _load(pem: str | bytes) -> PrivateKey:
    key = serialization.load_pem_private_key(pem.encode("ascii") if isinstance(pem, str) else pem, password=None)
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("DKIM keys are RSA or Ed25519")  # noqa: TRY004 the key is data, not an argument's type
    return key


@lru_cache(maxsize=512)
def relaxed(head: bytes) -> tuple[tuple[str, bytes], ...]:
    """Return the headers of `head` as (lower-case name, relaxed line with CRLF), in their order."""
    unfolded = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    found: list[tuple[str, bytes]] = []
    for line in unfolded.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            name = name.rstrip(b" \t").lower()
            found.append(
                (name.decode("ascii", "replace"), name + b":" + _BLANKS.sub(b" ", value).strip(b" ") + b"\r\n")
            )
    return tuple(found)


def select(fields: Sequence[tuple[str, bytes]]) -> tuple[list[str], list[bytes]]:
    """Choose what is signed: names in signing order, and their lines, the lowest of equal names first (5.4.2).

    From stands once more than it occurs, so that a second one added on the way breaks the signature.
    """
    by_name: dict[str, list[bytes]] = {}
    for name, line in fields:
        by_name.setdefault(name, []).append(line)
    names: list[str] = []
    lines: list[bytes] = []
    for name in SIGNED:
        present = by_name.get(name, ())
        names += [name] * (len(present) + (name == "from"))
        lines += reversed(present)
    return names, lines


@lru_cache(maxsize=512)
def _folded(names: tuple[str, ...]) -> str:
    """Return h= with its semicolon, folded."""
    lines: list[str] = []
    line = "h="
    for name in names[:-1]:
        if len(line) + len(name) + 1 > WIDTH:
            lines.append(line)
            line = ""
        line += name + ":"
    return _FOLD.join((*lines, f"{line}{names[-1]};"))
