"""An independent verifier of DKIM signatures: dkimpy, with Ed25519 on top of cryptography instead of PyNaCl."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace

import dkim
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class VerifyKey:
    """The part of PyNaCl the verifier wants for Ed25519."""

    def __init__(self, key: bytes, encoder: object) -> None:
        del encoder
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(key))

    def verify(self, message: bytes, signature: bytes) -> bytes:
        try:
            self._key.verify(signature, message)
        except InvalidSignature as error:
            raise BadSignatureError from error
        return message


class BadSignatureError(Exception):
    pass


if not hasattr(dkim, "nacl"):
    dkim.nacl = SimpleNamespace(
        signing=SimpleNamespace(VerifyKey=VerifyKey),
        encoding=SimpleNamespace(Base64Encoder=None),
        exceptions=SimpleNamespace(BadSignatureError=BadSignatureError, ValueError=ValueError),
    )


def verify(raw: bytes, records: Mapping[str, str], index: int = 0) -> bool:
    """Say whether a mail's signature verifies.

    Args:
        raw: The mail.
        records: TXT values by their whole names, without a dot at the end.
        index: Which signature, from the top.
    """

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        record = records.get(name.decode().removesuffix("."))
        return record.encode() if record is not None else None

    try:
        verified: bool = dkim.DKIM(raw).verify(index, dnsfunc=txt)
    except dkim.DKIMException:
        return False
    return verified
