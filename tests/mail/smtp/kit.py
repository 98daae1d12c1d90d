"""What the SMTP tests share: a message, a route to a server, a session."""

from collections.abc import Callable

from app.mail.smtp.connection import Connection, SendJob
from app.mail.smtp.outcome import Outcome
from app.mail.smtp.routes import Host, Route, Tls
from tests.fixtures.smtp_server import SmtpServer, client_context

DATA = b"From: a@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"


def job(
    recipient: str = "jo@example.org",
    data: bytes = DATA,
    *,
    sender: str = "bounces@example.com",
    smtputf8: bool = False,
    before: Callable[[], None] = lambda: None,
) -> SendJob:
    return SendJob(sender, recipient, data, smtputf8, before)


def route_to(server: SmtpServer, tls: Tls = "opportunistic", username: str = "", password: str = "") -> Route:
    host = Host("localhost" if tls in {"required", "implicit"} else "sink.example", server.port, server.host)
    return Route("test", (host,), tls, username, password)


async def try_open(route: Route, *, reply_timeout: float = 5.0, connect_timeout: float = 5.0) -> Connection | Outcome:
    return await Connection.open(
        route,
        route.hosts[0],
        helo_name="mail.example.com",
        connect_timeout=connect_timeout,
        reply_timeout=reply_timeout,
        tls_context=client_context() if route.tls in {"required", "implicit"} else None,
    )


async def open_to(route: Route, *, reply_timeout: float = 5.0) -> Connection:
    opened = await try_open(route, reply_timeout=reply_timeout)
    assert isinstance(opened, Connection), opened
    return opened


async def refused_by(route: Route, *, connect_timeout: float = 5.0) -> Outcome:
    opened = await try_open(route, connect_timeout=connect_timeout)
    assert isinstance(opened, Outcome)
    return opened
