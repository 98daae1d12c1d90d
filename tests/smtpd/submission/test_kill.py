"""A submission process that is killed: what had its 250 is there."""

import asyncio
import signal
import sys

import pytest

from app.core.messages import parse_email_id
from app.embedded import child
from app.kit.ports import free_port, is_answering
from app.settings import Settings, as_environment, environment
from tests.delivery.mailing import eventually
from tests.factories.accounts import MadeAccount
from tests.smtpd.submission.conftest import Ledger, Raw

pytestmark = pytest.mark.serial
SESSIONS = 8
ENOUGH = 40
MAIL = "From: news@example.com\r\nSubject: x\r\n\r\nHi\r\n.\r\n"


def variables_of(settings: Settings, port: int) -> dict[str, str]:
    values = {
        "public_url": settings.public_url,
        "secret_keys": ",".join(settings.secret_keys),
        "bounce_domain": settings.bounce_domain,
        "database_url": settings.database_url,
        "broker_url": settings.broker_url,
        "data_dir": str(settings.data_dir),
        "smtp.port": port,
    }
    return environment() | as_environment(values)


async def test_kill_9_after_250_loses_nothing(settings: Settings, account: MadeAccount, ledger: Ledger) -> None:
    port = free_port()
    command = [sys.executable, "-P", "-m", "app", "submission"]
    process = child.spawn(command, output=None, variables=variables_of(settings, port))
    acknowledged: list[str] = []

    async def send() -> None:
        async with await Raw.open(port) as raw:
            assert (await raw.log_in(account.username, account.key)).startswith("235")
            while True:
                reply = await raw.mail(MAIL)
                if not reply.startswith("250 "):
                    return
                acknowledged.append(reply.rpartition(" ")[2])

    try:
        await eventually(lambda: is_answering("127.0.0.1", port))
        senders = [asyncio.create_task(send()) for _ in range(SESSIONS)]
        await eventually(lambda: len(acknowledged) >= ENOUGH)
        process.send_signal(signal.SIGKILL)
        await asyncio.gather(*senders, return_exceptions=True)
    finally:
        await asyncio.to_thread(child.stop, process, signal.SIGKILL, 10.0)
    named = [parse_email_id(one) for one in acknowledged]
    ids = [one[1] for one in named if one is not None]
    assert len(set(ids)) == len(acknowledged) >= ENOUGH
    [row] = await ledger.rows("SELECT count(*) AS n FROM messages WHERE id = ANY($1::bigint[])", ids)
    assert row["n"] == len(ids)
    [row] = await ledger.rows("SELECT count(*) AS n FROM messages")
    assert len(ids) <= row["n"] <= len(ids) + SESSIONS
