"""Whatever servers do, and in whatever order: each message is settled or given back exactly once, and truly."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.mail.smtp import opener
from app.mail.smtp.outcome import Status
from app.mail.smtp.pool import Pool
from tests.fixtures.smtp_server import DROP, EXTENSIONS, SmtpServer, reply_and_drop, slowly
from tests.mail.smtp.kit import Mail, Stock, job, route_to

ANSWERS = [
    "250 2.0.0 fine", "250-2.0.0 fine\r\n250 2.0.0 indeed", "250", "354 2.0.0 go", "199 what", "451 4.3.0 later", "550 5.1.1 no",
    "550-5.7.1 no\r\n550 5.7.1 never", "421 4.7.0 wait", reply_and_drop("421 4.3.2 down"), DROP, "nonsense", "250 " + "x" * 9000,
    reply_and_drop("250 2.0.0 bye"), slowly("250 2.0.0 slow", 0.002), "354 go\r\n550 5.0.0 no", "451 4.0.0 a\r\n451 4.0.0 b",
]  # fmt: skip
ABOUT_US = ["withdrawn", "broken", "no journal"]


@dataclass(frozen=True)
class Scene:
    extensions: tuple[str, ...]
    connections: int
    per_connection: int
    answers: Sequence[tuple[str, str] | str | None]
    """What becomes of each message: stage and answer, something on our side, or nothing special."""
    greetings: int
    """Connections that are refused in the middle."""
    closed_after: int
    """Messages after whose outcome the pool is closed."""
    resized_after: int
    batch: int


SCENES = st.builds(
    Scene,
    extensions=st.sampled_from([EXTENSIONS, EXTENSIONS, EXTENSIONS[1:]]),
    connections=st.integers(1, 4),
    per_connection=st.integers(1, 6),
    answers=st.lists(
        st.one_of(
            st.none(),
            st.tuples(st.sampled_from(["mail", "rcpt", "data", "dot", "dot", "rset"]), st.sampled_from(ANSWERS)),
            st.sampled_from(ABOUT_US),
        ),
        min_size=1,
        max_size=16,
    ),
    greetings=st.integers(0, 2),
    closed_after=st.integers(1, 40),
    resized_after=st.integers(1, 20),
    batch=st.integers(1, 16),
)


class Watcher(Stock):
    """A source that does something after so many outcomes."""

    pool: Pool
    closing: asyncio.Task[None] | None = None

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene
        self.ends = 0

    def settle(self, job: object, outcome: object) -> None:
        super().settle(job, outcome)  # type: ignore[arg-type]
        self._ended()

    def give_back(self, job: object) -> None:
        super().give_back(job)  # type: ignore[arg-type]
        self._ended()

    def _ended(self) -> None:
        self.ends += 1
        if self.ends == self.scene.resized_after:
            self.pool.resize(connections=1 + self.scene.connections % 3, max_per_connection=2)
        if self.ends == self.scene.closed_after:
            self.closing = asyncio.create_task(self.pool.close(5.0))
        self.pool.wake()


def fail() -> None:
    raise OSError("no journal")


def messages_of(scene: Scene, server: SmtpServer) -> list[Mail]:
    messages = []
    for number, what in enumerate(scene.answers):
        message = job(f"r{number}@example.org", sender=f"r{number}@example.com")
        if what == "withdrawn":
            message.withdrawn = True
        elif what == "broken":
            message.broken = True
        elif what == "no journal":
            message.before = fail
        elif what is not None:
            server.on(what[0], what[1], match="" if what[0] == "rset" else f"<r{number}@" if what[0] in {"mail", "rcpt"} else f"r{number}@", times=1 if what[0] == "rset" else None)  # fmt: skip
        messages.append(message)
    return messages


async def play(scene: Scene) -> None:
    async with SmtpServer(extensions=scene.extensions) as server:
        messages = messages_of(scene, server)
        if scene.greetings:
            server.on("connect", reply_and_drop("421 4.7.0 Too many"), times=scene.greetings)
        stock = Watcher(scene)
        stock.pool = Pool(
            route_to(server),
            stock,
            connections=scene.connections,
            helo_name="mail.example.com",
            connect_timeout=5.0,
            reply_timeout=5.0,
            max_per_connection=scene.per_connection,
        )
        for start in range(0, len(messages), scene.batch):
            stock.waiting.extend(messages[start : start + scene.batch])
            stock.pool.wake()
            if stock.closing is None:
                async with asyncio.timeout(20):
                    while stock.open and stock.closing is None:  # noqa: ASYNC110 whichever comes first
                        await asyncio.sleep(0.001)
        await stock.pool.close(5.0)
        if stock.closing is not None:
            await stock.closing
        assert (stock.pool.live, stock.pool.under_way, stock.open) == (0, 0, 0)
        assert len(stock.outcomes) + len(stock.given_back) == len(stock.taken) == stock.ends
        check(stock, server, messages)


def check(stock: Stock, server: SmtpServer, messages: Sequence[Mail]) -> None:
    good = {  # whose final dot was answered with a reply that is one, and positive
        about
        for stage, about, answer in server.answers
        if stage == "dot" and answer.removeprefix(DROP).removeprefix("<slowly>0.002 ").startswith("250") and "xxx" not in answer
    }  # fmt: skip
    delivered = {job.recipient for job, outcome in stock.outcomes.items() if outcome.status == Status.DELIVERED}
    assert delivered == good
    dotted = {about for stage, about, _ in server.answers if stage == "dot"}
    for message in messages:
        outcome = stock.outcomes.get(message)
        if message.recipient in dotted:
            assert message.dots == 1
            assert outcome is not None
        elif outcome is not None:
            assert outcome.status in {Status.DEFERRED, Status.REJECTED}
        if message.withdrawn or message.broken:
            assert message.recipient not in dotted


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "FIRST_PAUSE", 0.0)


@pytest.mark.usefixtures("short_pauses")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SCENES)
def test_every_message_has_one_true_end(scene: Scene) -> None:
    with asyncio.Runner() as runner:
        runner.run(play(scene))
