"""Certificates made on the spot: an authority and what it issues."""

import datetime as dt
import ssl
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)


class Certificate:
    """A certificate with its key; can issue others when it is an authority's."""

    def __init__(
        self,
        name: str,
        *,
        issuer: "Certificate | None" = None,
        authority: bool = False,
        days: int = 1,
        path_length: int | None = None,
        with_names: bool = True,
    ) -> None:
        self.key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.x509.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 10 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        )
        if with_names and not authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        self.x509: x509.Certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())
        self.der = self.x509.public_bytes(serialization.Encoding.DER)
        self.pem = self.x509.public_bytes(serialization.Encoding.PEM)
        self.spki = self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def server_context(self, *chain: "Certificate") -> ssl.SSLContext:
        """Return the context of a server that sends this certificate and then `chain`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with TemporaryDirectory() as folder:
            path = Path(folder) / "all.pem"
            path.write_bytes(key + self.pem + b"".join(part.pem for part in chain))
            context.load_cert_chain(path)
        return context

    def trusting_context(self) -> ssl.SSLContext:
        """Return the context of a client that trusts this authority alone."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=self.pem.decode())
        return context
