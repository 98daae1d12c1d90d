"""DANE for SMTP: TLSA records, and whether a server's certificates match them.

May import `cryptography` and the standard library.

Source: RFC 6698, RFC 7671, RFC 7672.
"""

import datetime as dt
import hashlib
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

DANE_TA: Final = 2
"""Usage: the record names a certificate authority of the server's own."""
DANE_EE: Final = 3
"""Usage: the record names the server's certificate or key itself."""
MAX_CHAIN = 10
"""Most certificates of a chain that are looked at."""

_DIGESTS = {1: (32, hashlib.sha256), 2: (64, hashlib.sha512)}


@dataclass(frozen=True, slots=True)
class Tlsa:
    """One TLSA record."""

    usage: int
    selector: int
    """0: the whole certificate; 1: its public key."""
    matching: int
    """0: `data` is the thing itself; 1: its SHA-256; 2: its SHA-512."""
    data: bytes

    @property
    def usable(self) -> bool:
        """Whether SMTP can check it: usages 2 and 3 only (RFC 7672, 3.1.3), known selector and matching type."""
        if self.usage not in {DANE_TA, DANE_EE} or self.selector not in {0, 1}:
            return False
        digest = _DIGESTS.get(self.matching)
        return len(self.data) == digest[0] if digest else self.matching == 0 and bool(self.data)

    def matches(self, certificate: x509.Certificate) -> bool:
        """Whether the record names this certificate or its key."""
        if self.selector == 0:
            subject = certificate.public_bytes(Encoding.DER)
        else:
            subject = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        digest = _DIGESTS.get(self.matching)
        return (digest[1](subject).digest() if digest else subject) == self.data


@dataclass(frozen=True, slots=True)
class Dane:
    """What DNSSEC says about the certificates of a server."""

    base: str
    """The name the records were found at, without `_25._tcp`; sent as SNI (RFC 7672, 8.1)."""
    records: tuple[Tlsa, ...]
    """The usable ones; at least one."""


def peer_chain(tls: Any) -> list[bytes]:
    """Return the certificates a server has sent, its own first, as DER; only its own where Python shows no more.

    Args:
        tls: The `ssl.SSLObject` of a finished handshake; None gives an empty list.
    """
    if tls is None:
        return []
    show = getattr(tls, "get_unverified_chain", None)  # public since Python 3.13
    inner = getattr(tls, "_sslobj", None)
    show = show or getattr(inner, "get_unverified_chain", None)
    chain = show() if show is not None else None
    if chain:
        # Before 3.13 these are objects of the module _ssl, whose public_bytes() is PEM.
        return [part if isinstance(part, bytes) else _der(part.public_bytes()) for part in chain[:MAX_CHAIN]]
    leaf = tls.getpeercert(binary_form=True)
    return [leaf] if leaf else []


def _der(pem: str | bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem) if isinstance(pem, str) else pem


def mismatch(dane: Dane, chain: Sequence[bytes], names: Iterable[str], *, now: dt.datetime | None = None) -> str:
    """Return why a server's certificates do not match its TLSA records; empty: they do.

    Args:
        dane: The records.
        chain: The certificates sent, the server's own first, as DER.
        names: What a certificate under a named authority may be for; one is enough. With usage 3 the name, and the
            dates, do not matter (RFC 7672, 3.1.1).
        now: Default: the present time.
    """
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain[:MAX_CHAIN]]
        if not certificates:
            return "the server sent no certificate"
        leaf = certificates[0]
        if any(record.usage == DANE_EE and record.matches(leaf) for record in dane.records):
            return ""
        authorities = [record for record in dane.records if record.usage == DANE_TA]
        if not authorities:
            return f"the certificate does not match the TLSA records of {dane.base}"
        problem = _untrusted(authorities, certificates, now or dt.datetime.now(dt.UTC))
        if problem:
            return f"{problem} of {dane.base}"
        wanted = [name.lower().rstrip(".") for name in names]
        return "" if any(_is_for(leaf, name) for name in wanted) else f"the certificate is not for {wanted[0]}"
    except (ValueError, UnsupportedAlgorithm, TypeError) as error:
        return f"the certificate can not be read: {error}"


def _untrusted(authorities: Sequence[Tlsa], certificates: list[x509.Certificate], now: dt.datetime) -> str:
    """Follow the signatures from the server's certificate to one that a record names; return why that fails."""
    current = certificates[0]
    pool = certificates[1:] + [found for record in authorities if (found := _whole(record)) is not None]
    for depth in range(MAX_CHAIN):
        if not _is_current(current, now):
            return "a certificate is out of date under the TLSA records"
        issuers = [issuer for issuer in pool if _has_signed(issuer, current, below=depth)]
        for issuer in issuers:
            if _is_current(issuer, now) and any(record.matches(issuer) for record in authorities):
                return ""
        pool = [candidate for candidate in pool if candidate not in issuers]
        if not issuers:
            break
        current = issuers[0]
    return "no certificate of the chain matches the TLSA records"


def _is_current(certificate: x509.Certificate, now: dt.datetime) -> bool:
    return certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _whole(record: Tlsa) -> x509.Certificate | None:
    """Return the certificate a record holds in full: servers may leave such a one out of what they send."""
    if record.selector != 0 or record.matching != 0:
        return None
    try:
        return x509.load_der_x509_certificate(record.data)
    except ValueError:
        return None


def _has_signed(issuer: x509.Certificate, subject: x509.Certificate, *, below: int) -> bool:
    """Whether `issuer` may sign certificates, over `below` further authorities, and has signed this one."""
    try:
        limits = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not limits.ca or (limits.path_length is not None and limits.path_length < below):
            return False
        subject.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return True


def _is_for(certificate: x509.Certificate, name: str) -> bool:
    """Whether a certificate is for a name; a wildcard stands for the whole first label (RFC 6125, 6.4.3)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    parent = name.partition(".")[2]
    return any(
        pattern.lower() == name or (bool(parent) and pattern.lower() == f"*.{parent}")
        for pattern in names.get_values_for_type(x509.DNSName)
    )
