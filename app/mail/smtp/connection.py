"""One SMTP session. Every exception of network and protocol becomes an Outcome here and below, and nowhere else.

May import `app.mail.smtp` (not `pool`) and the standard library.
"""

import ssl

from app.mail.smtp.envelope import SendJob, Withdrawn
from app.mail.smtp.opening import open_session
from app.mail.smtp.outcome import Outcome
from app.mail.smtp.pipelined import PipelinedSession
from app.mail.smtp.routes import Host, Route
from app.mail.smtp.sequential import SequentialSession
from app.mail.smtp.session import Owner, Session

__all__ = ["Owner", "SendJob", "Session", "Withdrawn", "connect"]


async def connect(
    route: Route,
    host: Host,
    owner: Owner,
    *,
    helo_name: str,
    connect_timeout: float,
    reply_timeout: float,
    tls_context: ssl.SSLContext | None = None,
    source_address: str = "",
) -> Session | Outcome:
    """Open a session with one host of a route.

    Args:
        route: Says what is expected of TLS, and the credentials.
        host: One of its hosts.
        owner: Whom the session works for, from its `start` on.
        helo_name: Our name in EHLO.
        connect_timeout: For everything up to readiness, in seconds.
        reply_timeout: For every reply from then on, in seconds.
        tls_context: Instead of the default one.
        source_address: Our address to send from; see `open_session`.

    Returns:
        The session, or an outcome with the reason why there is none; see `open_session`.
    """
    opened = await open_session(
        route,
        host,
        helo_name=helo_name,
        timeout_seconds=connect_timeout,
        tls_context=tls_context,
        source_address=source_address,
    )
    if isinstance(opened, Outcome):
        return opened
    if opened.offers.pipelining and opened.smtp.transport is not None:
        return PipelinedSession(opened.smtp.transport, host.name, opened.offers, owner, reply_timeout)
    return SequentialSession(opened.smtp, host.name, opened.offers, owner, reply_timeout)
