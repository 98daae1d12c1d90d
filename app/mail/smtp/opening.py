"""Opening a session with aiosmtplib: connect, EHLO, STARTTLS, AUTH.

May import `aiosmtplib`, `app.mail.smtp` below `connection`, and the standard library.

Source: RFC 5321 section 3.1, RFC 3207 (STARTTLS), RFC 7435 (opportunistic), RFC 4954 (AUTH), RFC 8461 (MTA-STS),
RFC 7672 (DANE).
"""

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache

import aiosmtplib

from app.mail.smtp.dane import mismatch, peer_chain
from app.mail.smtp.dial import CannotBind, dial
from app.mail.smtp.envelope import Offers, read_offers
from app.mail.smtp.hosts import Host, Route, Tls
from app.mail.smtp.outcome import Outcome, Status, from_reply, from_us
from app.mail.smtp.replies import Reply

_POLICIES = {"sts": "MTA-STS", "dane": "DANE", "encrypted": "DANE"}


@dataclass(frozen=True, slots=True)
class Opened:
    """A session ready for MAIL."""

    smtp: aiosmtplib.SMTP
    offers: Offers


class _TlsFailed(Exception):
    """STARTTLS was offered and did not work, or is not offered and must be."""


async def open_session(
    route: Route,
    host: Host,
    *,
    helo_name: str,
    timeout_seconds: float,
    tls_context: ssl.SSLContext | None = None,
    source_address: str = "",
) -> Opened | Outcome:
    """Open a session with one host of a route.

    Args:
        route: Says what is expected of TLS, and the credentials.
        host: One of its hosts.
        helo_name: Our name in EHLO.
        timeout_seconds: For everything up to readiness; connecting to one address has a shorter time of its own.
        tls_context: Used instead of the default one, which checks certificates where TLS is not merely opportunistic.
            With DANE the default one is used all the same.
        source_address: Our IP address to send from, or several, separated by commas: the ones of the destination's
            family are used by chance. Empty, or none of that family: the system chooses.

    Returns:
        The session, or an outcome with the reason why there is none. It is always `deferred`: a server that greets
        with 5xx, or refuses our password, says nothing about the recipient. 4.7.5: a TLS policy (MTA-STS, DANE) is not
        met. 4.3.0: our own address can not be used.
    """
    tls = route.tls_of(host)
    attempt = _Attempt(host, tls, route.credentials_of(host), helo_name, tls_context, source_address)
    try:
        async with asyncio.timeout(timeout_seconds):
            try:
                return await attempt.run(use_starttls=tls not in {"none", "implicit"})
            except _TlsFailed as error:
                if tls != "opportunistic":
                    return _no_tls(tls, error, host.name)
                return await attempt.run(use_starttls=False)
    except CannotBind as error:
        return from_us(Status.DEFERRED, "4.3.0", error.strerror or str(error), host.name)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _failure(error, host.name)


def _no_tls(tls: Tls, error: _TlsFailed, host: str) -> Outcome:
    policy = _POLICIES.get(tls)
    if policy is None:
        return from_us(Status.DEFERRED, "4.4.2", f"TLS failed: {error}", host)
    return from_us(Status.DEFERRED, "4.7.5", f"{policy} demands TLS with {host}, which failed: {error}", host)


def _failure(error: Exception, host: str) -> Outcome:
    """Return what an exception says about the host."""
    if isinstance(error, TimeoutError):  # aiosmtplib's own time-outs are of this type, too
        return from_us(Status.DEFERRED, "4.4.1", str(error) or "time-out while opening the session", host)
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if error.code < 0:  # aiosmtplib's mark for a line that is no reply
            return from_us(Status.DEFERRED, "4.5.0", error.message, host)
        return from_reply(Reply(error.code, tuple(error.message.split("\n"))), host, status=Status.DEFERRED)
    lost = (aiosmtplib.SMTPServerDisconnected, ssl.SSLError)
    broken = isinstance(error, lost) or isinstance(error.__cause__, lost)
    return from_us(Status.DEFERRED, "4.4.2" if broken else "4.4.1", str(error), host)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is known before connecting."""

    host: Host
    tls: Tls
    credentials: tuple[str, str]
    helo_name: str
    tls_context: ssl.SSLContext | None
    source_address: str

    async def run(self, *, use_starttls: bool) -> Opened:
        """Go through the steps; aiosmtplib's exceptions and `CannotBind` pass.

        Raises:
            _TlsFailed: STARTTLS failed, or is needed and not offered.
        """
        host, implicit = self.host, self.tls == "implicit"
        smtp = aiosmtplib.SMTP(
            hostname=host.name,
            local_hostname=self.helo_name,
            use_tls=implicit,
            start_tls=False,
            tls_context=self._context() if implicit else None,
            timeout=None,  # the caller's time-out covers all steps
        )
        connection = await dial(host.address or host.name, host.port, source_address=self.source_address)
        try:
            # From here on aiosmtplib owns the socket, also when connecting fails.
            await smtp.connect(sock=connection)
            await _say_hello(smtp)
            if use_starttls and (self.tls != "opportunistic" or smtp.supports_extension("starttls")):
                await self._start_tls(smtp)
                await _say_hello(smtp)
            username, password = self.credentials
            if username:
                await smtp.login(username, password)
        except BaseException:
            smtp.close()
            raise
        return Opened(smtp, read_offers(smtp.esmtp_extensions))

    async def _start_tls(self, smtp: aiosmtplib.SMTP) -> None:
        """Upgrade the session, and check the certificates where DANE does.

        Raises:
            _TlsFailed: It does not work.
        """
        if not smtp.supports_extension("starttls"):
            raise _TlsFailed("the server does not offer STARTTLS")
        dane = self.host.dane if self.tls == "dane" else None
        name = dane.base if dane is not None else self.host.name
        try:
            await smtp.starttls(server_hostname=name, tls_context=self._context())
        except (aiosmtplib.SMTPException, OSError) as error:
            raise _TlsFailed(str(error) or type(error).__name__) from error
        if dane is None:
            return
        problem = mismatch(dane, peer_chain(smtp.get_transport_info("ssl_object")), (dane.base, self.host.name))
        if problem:
            raise _TlsFailed(problem)

    def _context(self) -> ssl.SSLContext:
        if self.tls in {"dane", "encrypted"}:
            return _unchecked()
        return self.tls_context or (_unchecked() if self.tls == "opportunistic" else _checked())


async def _say_hello(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()  # RFC 5321, 3.2: an old server


@cache
def _checked() -> ssl.SSLContext:
    return ssl.create_default_context()


@cache
def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
