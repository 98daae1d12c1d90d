"""Opening a session with aiosmtplib: connect, EHLO, STARTTLS, AUTH.

May import `aiosmtplib`, `app.mail.smtp` below `connection`, and the standard library.

Source: RFC 5321 section 3.1, RFC 3207 (STARTTLS), RFC 7435 (opportunistic), RFC 4954 (AUTH).
"""

import asyncio
import ssl
from dataclasses import dataclass
from functools import cache

import aiosmtplib

from app.mail.smtp.envelope import Offers, read_offers
from app.mail.smtp.outcome import Outcome, Status, from_reply, from_us
from app.mail.smtp.replies import Reply
from app.mail.smtp.routes import Host, Route


@dataclass(frozen=True, slots=True)
class Opened:
    """A session ready for MAIL."""

    smtp: aiosmtplib.SMTP
    offers: Offers


class _TlsFailed(Exception):
    """STARTTLS was offered and did not work."""


async def open_session(
    route: Route, host: Host, *, helo_name: str, timeout_seconds: float, tls_context: ssl.SSLContext | None = None
) -> Opened | Outcome:
    """Open a session with one host of a route.

    Args:
        route: Says what is expected of TLS, and the credentials.
        host: One of its hosts.
        helo_name: Our name in EHLO.
        timeout_seconds: For everything up to readiness.
        tls_context: Used instead of the default one, which checks certificates where TLS is not merely opportunistic.

    Returns:
        The session, or an outcome with the reason why there is none. It is always `deferred`: a server that greets
        with 5xx, or refuses our password, says nothing about the recipient.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            try:
                return await _open(route, host, helo_name, tls_context, use_starttls=route.tls != "none")
            except _TlsFailed as error:
                if route.tls != "opportunistic":
                    return from_us(Status.DEFERRED, "4.4.2", f"TLS failed: {error}", host.name)
                return await _open(route, host, helo_name, tls_context, use_starttls=False)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return _failure(error, host.name)


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


async def _open(
    route: Route, host: Host, helo_name: str, tls_context: ssl.SSLContext | None, *, use_starttls: bool
) -> Opened:
    """Go through the steps; aiosmtplib's exceptions pass.

    Raises:
        _TlsFailed: STARTTLS failed, or is required and not offered.
    """
    implicit = route.tls == "implicit"
    context = tls_context or _context(checked=route.tls != "opportunistic")
    smtp = aiosmtplib.SMTP(
        hostname=host.name if implicit else host.address or host.name,  # implicit TLS checks what we connect to
        port=host.port,
        local_hostname=helo_name,
        use_tls=implicit,
        start_tls=False,
        tls_context=context if implicit else None,
        timeout=None,  # the caller's time-out covers all steps
    )
    try:
        await smtp.connect()
        await _say_hello(smtp)
        if use_starttls and not implicit and (route.tls == "required" or smtp.supports_extension("starttls")):
            await _start_tls(smtp, host, context)
            await _say_hello(smtp)
        if route.username:
            await smtp.login(route.username, route.password)
    except BaseException:
        smtp.close()
        raise
    return Opened(smtp, read_offers(smtp.esmtp_extensions))


async def _say_hello(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()  # RFC 5321, 3.2: an old server


async def _start_tls(smtp: aiosmtplib.SMTP, host: Host, context: ssl.SSLContext) -> None:
    """Upgrade the session.

    Raises:
        _TlsFailed: It does not work.
    """
    if not smtp.supports_extension("starttls"):
        raise _TlsFailed("the server does not offer STARTTLS")
    try:
        await smtp.starttls(server_hostname=host.name, tls_context=context)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _TlsFailed(str(error) or type(error).__name__) from error


@cache
def _context(*, checked: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not checked:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
