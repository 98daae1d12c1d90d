"""What the SMTP tests share: a message, a route to a server, a session driven message by message, a source."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.mail.smtp.connection import SendJob, Session, Withdrawn, connect
from app.mail.smtp.outcome import Outcome
from app.mail.smtp.routes import Host, Route, Tls
from tests.fixtures.smtp_server import SmtpServer, client_context

DATA = b"From: a@example.com\r\nSubject: Hi\r\n\r\nHello\r\n"


@dataclass(eq=False)
class Mail:
    """A message that is there as a whole."""

    envelope_from: str
    recipient: str
    data: bytes
    smtputf8: bool
    before: Callable[[], None]
    composed: int = 0
    """How often its content was asked for."""
    withdrawn: bool = False
    broken: bool = False
    dots: int = 0
    """How often its final dot was announced."""

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def eightbit(self) -> bool:
        return not self.data.isascii()

    def content(self) -> bytes:
        self.composed += 1
        if self.withdrawn:
            raise Withdrawn
        if self.broken:
            raise KeyError("no such template")
        return self.data

    def before_final_dot(self) -> None:
        self.before()
        self.dots += 1


def job(
    recipient: str = "jo@example.org",
    data: bytes = DATA,
    *,
    sender: str = "bounces@example.com",
    smtputf8: bool = False,
    before: Callable[[], None] = lambda: None,
) -> Mail:
    return Mail(sender, recipient, data, smtputf8, before)


def route_to(server: SmtpServer, tls: Tls = "opportunistic", username: str = "", password: str = "") -> Route:
    host = Host("localhost" if tls in {"required", "implicit"} else "sink.example", server.port, server.host)
    return Route("test", (host,), tls, username, password)


class Talk:
    """One session and its owner: hands over what a test says, when it says so."""

    max_per_connection = 100
    idle_seconds = 60.0

    def __init__(self) -> None:
        self.session: Session | None = None
        self.usable = True
        self.was_stale = False
        """Whether the session would have left its last message to another one."""
        self.given_back: list[SendJob] = []
        self._waiting: deque[SendJob] = deque()
        self._outcomes: dict[SendJob, asyncio.Future[Outcome | None]] = {}
        self._has_started = self._is_resting = False

    async def send(self, message: SendJob) -> Outcome:
        [outcome] = await self.send_all([message])
        return outcome

    async def send_all(self, messages: Sequence[SendJob]) -> list[Outcome]:
        """Let the session have these messages; their outcomes, in the same order."""
        outcomes = await asyncio.gather(*map(self.hand_over, messages))
        assert None not in outcomes
        return [outcome for outcome in outcomes if outcome is not None]

    async def hand_over(self, message: SendJob) -> Outcome | None:
        """Let the session have a message; None when it was given back."""
        self.was_stale = False
        future: asyncio.Future[Outcome | None] = asyncio.get_running_loop().create_future()
        self._outcomes[message] = future
        self._waiting.append(message)
        asyncio.get_running_loop().call_soon(self.wake)  # messages of the same moment are there together
        return await future

    def wake(self) -> None:
        assert self.session is not None
        if not self._has_started and self._waiting:
            self._has_started = True
            self.session.start(self._waiting.popleft())
        elif self._is_resting and self._waiting:
            self._is_resting = False
            self.session.wake()

    def close(self) -> None:
        assert self.session is not None
        if self._has_started:
            self.session.finish()
        else:
            self.session.abort("never used")

    def abort(self) -> None:
        assert self.session is not None
        self.session.abort("interrupted")

    # what sessions ask

    def next_job(self, session: Session) -> SendJob | None:  # noqa: ARG002
        return self._waiting.popleft() if self._waiting else None

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        self._outcomes.pop(job).set_result(outcome)

    def give_back(self, job: SendJob) -> None:
        self.given_back.append(job)
        self._outcomes.pop(job).set_result(None)

    def retry(self, job: SendJob) -> bool:  # noqa: ARG002
        self.was_stale = True
        return False

    def resting(self, session: Session) -> None:  # noqa: ARG002
        self._is_resting = True

    def ended(self, session: Session) -> None:  # noqa: ARG002
        assert self.usable
        self.usable = False


async def try_open(route: Route, *, reply_timeout: float = 5.0, connect_timeout: float = 5.0) -> Talk | Outcome:
    talk = Talk()
    opened = await connect(
        route,
        route.hosts[0],
        talk,
        helo_name="mail.example.com",
        connect_timeout=connect_timeout,
        reply_timeout=reply_timeout,
        tls_context=client_context() if route.tls in {"required", "implicit"} else None,
    )
    if isinstance(opened, Outcome):
        return opened
    talk.session = opened
    return talk


async def open_to(route: Route, *, reply_timeout: float = 5.0) -> Talk:
    opened = await try_open(route, reply_timeout=reply_timeout)
    assert isinstance(opened, Talk), opened
    return opened


async def refused_by(route: Route, *, connect_timeout: float = 5.0) -> Outcome:
    opened = await try_open(route, connect_timeout=connect_timeout)
    assert isinstance(opened, Outcome)
    return opened


class Stock:
    """A source that has what a test puts in, and writes down what became of it."""

    def __init__(self) -> None:
        self.waiting: deque[SendJob] = deque()
        self.outcomes: dict[SendJob, Outcome] = {}
        self.given_back: list[SendJob] = []
        self.taken: list[SendJob] = []
        self._open: set[SendJob] = set()
        self._idle = asyncio.Event()

    def take(self) -> SendJob | None:
        if not self.waiting:
            return None
        message = self.waiting.popleft()
        assert message not in self._open
        self._open.add(message)
        self.taken.append(message)
        return message

    def settle(self, job: SendJob, outcome: Outcome) -> None:
        self._open.remove(job)  # twice is an error
        assert job not in self.outcomes
        self.outcomes[job] = outcome
        self._look()

    def give_back(self, job: SendJob) -> None:
        self._open.remove(job)
        self.given_back.append(job)
        self._look()

    @property
    def open(self) -> int:
        """Messages taken, and neither settled nor given back."""
        return len(self._open)

    async def done(self) -> None:
        """Wait until nothing is waiting or open."""
        async with asyncio.timeout(20):
            while self._open or self.waiting:
                self._idle.clear()
                await self._idle.wait()

    def _look(self) -> None:
        if not self._open and not self.waiting:
            self._idle.set()
