"""The DKIM key record of a selector: read, and compared with the key that signs. Imports `records`.

Source: RFC 6376, 3.2 (tag lists) and 3.6.1 (tags of a key record); RFC 8463 (Ed25519).
"""

import base64
import binascii
import re
from dataclasses import dataclass

from app.mail.published.records import Records

MAX_RECORD = 8192
"""Longest record that is looked at, in characters."""
MAX_TAGS = 50
_TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_BLANKS = re.compile(r"[ \t\r\n]+")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key record.

    Attributes:
        key_type: k=, in lower case.
        key: p= without blanks; empty: the key is revoked.
        hashes: h=; empty: any.
        services: s=; `*` is any.
        flags: t=: `y` says that the domain is trying things out, `s` that i= must be of the very domain.
    """

    key_type: str
    key: str
    hashes: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset({"*"})
    flags: frozenset[str] = frozenset()

    @property
    def is_for_mail(self) -> bool:
        """Whether it is good for e-mail signed with SHA-256, as ours is."""
        return not self.services.isdisjoint({"*", "email"}) and (not self.hashes or "sha256" in self.hashes)


def tags_of(record: str) -> dict[str, str] | None:
    """Return the tags of a list, blanks around values left out; None when it is not one, or has a tag twice."""
    if len(record) > MAX_RECORD:
        return None
    parts = record.split(";")
    if not parts[-1].strip():
        parts.pop()
    if not 0 < len(parts) <= MAX_TAGS:
        return None
    tags: dict[str, str] = {}
    for part in parts:
        name, sign, value = part.partition("=")
        name = name.strip(" \t\r\n")
        if not sign or not _TAG.fullmatch(name) or name in tags:
            return None
        tags[name] = value.strip(" \t\r\n")
    return tags


def read_key(record: str) -> KeyRecord | None:
    """Return what a TXT record at a selector says; None when it is no key record."""
    tags = tags_of(record)
    if tags is None or "p" not in tags:
        return None
    if "v" in tags and (tags["v"] != "DKIM1" or next(iter(tags)) != "v"):  # v= is the first tag, if it is there
        return None
    return KeyRecord(
        key_type=tags.get("k", "rsa").lower(),
        key=_BLANKS.sub("", tags["p"]),
        hashes=_words(tags.get("h", "")),
        services=_words(tags.get("s", "*")),
        flags=_words(tags.get("t", "")),
    )


async def publishes_key(records: Records, name: str, *, key_type: str, key: str) -> bool:
    """Tell whether the key of a selector is the one that signs.

    Where a name has several key records a verifier takes any of them (RFC 6376, 3.6.2.2), so all must be ours; text
    that is no key record does no harm. The test flag (t=y) is the domain's own affair: its key is there.

    Args:
        records: DNS.
        name: `<selector>._domainkey.<domain>`.
        key_type: `rsa` or `ed25519`.
        key: The value of p=, in base64.

    Raises:
        NoAnswer: DNS does not say.
    """
    found = [read for text in await records.texts(name) if (read := read_key(text)) is not None]
    ours = _octets(key)
    return bool(found) and all(
        one.key_type == key_type and one.is_for_mail and bool(ours) and _octets(one.key) == ours for one in found
    )


def _words(value: str) -> frozenset[str]:
    return frozenset(word for part in value.split(":") if (word := part.strip().lower()))


def _octets(text: str) -> bytes:
    """Return the octets of base64 text; none when it is not, so that two that differ only in padding are equal."""
    bare = _BLANKS.sub("", text).rstrip("=")
    try:
        return base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
