"""The failure rules of accepting, each against a real PostgreSQL."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import accounts, contacts, messages
from app.core.errors import Overloaded, QuotaExceeded, StaleCaller
from app.core.jobs import DrainQueue
from app.core.messages import Batcher, IssueDraft
from app.core.messages import batcher as module
from app.core.suppressions import Reason
from app.db.engine import driver_connection, make_engine
from app.db.unit_of_work import unit_of_work
from app.kit.clock import SystemClock
from app.models.issue import IssueType
from app.settings import Settings
from tests.core.messages.conftest import Nudges, draft_of
from tests.factories.accounts import AccountFactory


async def fetch(engine: AsyncEngine, query: str, *args: object) -> list[asyncpg.Record]:
    async with driver_connection(engine) as connection:
        return await connection.fetch(query, *args)


class TestAccept:
    async def test_writes_content_once_and_a_copy_for_each_recipient(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine, nudges: Nudges
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        accepted = await batcher.accept(draft_of(account, "a@example.org", "B@example.net", text="Grüße"))

        mails = await fetch(engine, "SELECT * FROM mails")
        copies = await fetch(engine, "SELECT * FROM messages ORDER BY id")
        queue = await fetch(engine, "SELECT * FROM delivery_queue ORDER BY message_id")
        assert [(mail["id"], mail["text"]) for mail in mails] == [(accepted.mail_id, "Grüße")]
        assert [copy["id"] for copy in copies] == list(accepted.message_ids)
        assert [(copy["recipient"], copy["state"]) for copy in copies] == [
            ("a@example.org", "queued"),
            ("B@example.net", "queued"),
        ]
        assert {copy["accepted_at"] for copy in copies} == {accepted.accepted_at}
        assert [(row["message_id"], row["site"], row["attempt"]) for row in queue] == [
            (accepted.message_ids[0], "example.org", 1),
            (accepted.message_ids[1], "example.net", 1),
        ]
        assert nudges.jobs == [DrainQueue()]

    async def test_counts_in_the_same_transaction(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        at = datetime(2016, 11, 22, 13, 59, 59, 999000, tzinfo=UTC)
        await asyncio.gather(
            *(batcher.accept(draft_of(account, "a@x.org", "b@x.org", received_at=at)) for _ in range(5))
        )
        hours = await fetch(engine, "SELECT hour, accepted FROM hourly_counts")
        days = await fetch(engine, "SELECT day::text, accepted FROM daily_counts")
        assert [tuple(row) for row in hours] == [(datetime(2016, 11, 22, 13, tzinfo=UTC), 10)]
        assert [tuple(row) for row in days] == [("2016-11-22", 10)]

    async def test_blocks_suppressed_recipients_and_records_why(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        async with unit_of_work(engine) as write:
            await contacts.suppress(write, account.id, ["gone@example.org"], Reason.HARDBOUNCE)
        await batcher.accept(draft_of(account, "Gone@example.org", "jo@example.org"))
        rows = await fetch(engine, "SELECT recipient, state, blocked_reason FROM messages ORDER BY id")
        assert [tuple(row) for row in rows] == [
            ("Gone@example.org", "blocked", "hardbounce"),
            ("jo@example.org", "queued", None),
        ]
        counts = await fetch(engine, "SELECT accepted, blocked_hardbounce FROM hourly_counts")
        assert [tuple(row) for row in counts] == [(2, 1)]
        assert len(await fetch(engine, "SELECT FROM delivery_queue")) == 1

    async def test_a_refused_entry_does_not_fail_its_neighbours(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        bad = draft_of(account, "bad@example.org", text="NUL is not for text columns: \x00")
        good = [draft_of(account, f"{n}@example.org") for n in range(5)]
        results = await asyncio.gather(
            *(batcher.accept(draft) for draft in [*good[:2], bad, *good[2:]]), return_exceptions=True
        )
        assert [isinstance(result, messages.Accepted) for result in results] == [True, True, False, True, True, True]
        assert isinstance(results[2], asyncpg.PostgresError)
        recipients = await fetch(engine, "SELECT recipient FROM messages ORDER BY recipient")
        assert [row["recipient"] for row in recipients] == [f"{n}@example.org" for n in range(5)]
        assert [row["accepted"] for row in await fetch(engine, "SELECT accepted FROM hourly_counts")] == [5]

    async def test_a_client_that_hangs_up_cancels_nothing(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        hanging = asyncio.create_task(batcher.accept(draft_of(account, "first@example.org")))
        await asyncio.sleep(0)
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging
        await batcher.accept(draft_of(account, "second@example.org"))
        rows = await fetch(engine, "SELECT recipient FROM messages ORDER BY id")
        assert [row["recipient"] for row in rows] == ["first@example.org", "second@example.org"]

    async def test_too_much_waiting_is_refused_at_once(
        self, engine: AsyncEngine, settings: Settings, make: AccountFactory, nudges: Nudges
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        small = settings.model_copy(update={"api": settings.api.model_copy(update={"batch_rows": 3})})
        batcher = Batcher(engine, small, nudges, SystemClock())  # not started: nothing is taken from it
        waiting = asyncio.create_task(batcher.accept(draft_of(account, "a@x.org", "b@x.org")))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await batcher.accept(draft_of(account, "c@x.org", "d@x.org"))
        await batcher.start()
        await waiting
        await batcher.accept(draft_of(account, "c@x.org", "d@x.org"))
        await batcher.close()
        with pytest.raises(Overloaded):
            await batcher.accept(draft_of(account, "e@x.org"))

    async def test_a_lost_answer_to_a_commit_is_looked_up(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The connection is really cut: once right before the commit, once right after it."""
        account = await make.account(senders=["news@example.com"])
        commit = asyncpg.transaction.Transaction.commit
        cuts: list[str] = ["after", "before"]

        async def cut_commit(self: Any) -> None:
            when = cuts.pop() if cuts else ""
            connection = self._connection
            if when == "before":
                connection.terminate()
                raise ConnectionResetError("cut before the commit")
            await commit(self)
            if when == "after":
                connection.terminate()
                raise ConnectionResetError("cut after the commit")

        monkeypatch.setattr(asyncpg.transaction.Transaction, "commit", cut_commit)
        accepted = await batcher.accept(draft_of(account, "jo@example.org"))
        assert cuts == []
        rows = await fetch(engine, "SELECT id FROM messages")
        assert [row["id"] for row in rows] == list(accepted.message_ids)
        assert [row["accepted"] for row in await fetch(engine, "SELECT accepted FROM hourly_counts")] == [1]

    async def test_a_database_that_stays_away_is_overload(
        self, settings: Settings, make: AccountFactory, nudges: Nudges, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.3)
        account = await make.account(senders=["news@example.com"])
        nowhere = settings.model_copy(update={"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app"})
        engine = make_engine(nowhere)
        batcher = Batcher(engine, nowhere, nudges, SystemClock())
        await batcher.start()
        with pytest.raises(Overloaded):
            await batcher.accept(draft_of(account, "jo@example.org"))
        await batcher.close()
        await engine.dispose()


class TestCaller:
    async def test_a_caller_whose_account_has_changed_is_stale(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"])
        async with unit_of_work(engine) as write:
            await accounts.touch(write, account.id)
        with pytest.raises(StaleCaller):
            await batcher.accept(draft_of(account, "jo@example.org"))
        assert await fetch(engine, "SELECT FROM mails") == []

    async def test_refusals_are_recorded(self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine) -> None:
        account = await make.account()
        issue = IssueDraft(IssueType.UNAPPROVED_SENDER, "jo@example.org", "503 5.5.1 Error: need MAIL command")
        await batcher.refuse(account.caller, sender="x@example.net", issues=[issue], x_headers={"X-Campaign": "spring"})
        row = (await fetch(engine, "SELECT * FROM issues"))[0]
        assert (row["account_id"], row["issue_type"], row["address"], row["sender"], row["x_headers"]) == (
            account.id,
            "unapprovedsender",
            "jo@example.org",
            "x@example.net",
            {"X-Campaign": "spring"},
        )


class TestQuota:
    async def test_a_mail_that_would_pass_the_limit_is_refused_whole(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"], monthly_cap=3)
        await batcher.accept(draft_of(account, "a@x.org", "b@x.org"))
        with pytest.raises(QuotaExceeded):
            await batcher.accept(draft_of(account, "c@x.org", "d@x.org"))
        await batcher.accept(draft_of(account, "e@x.org"))
        assert len(await fetch(engine, "SELECT FROM messages")) == 3
        issues = await fetch(engine, "SELECT issue_type, address, description FROM issues")
        assert [tuple(row) for row in issues] == [("limitreached", "c@x.org", "452 4.3.1 Error: sending limit reached")]

    async def test_it_holds_within_a_group_and_for_all_of_a_master(
        self, batcher: Batcher, make: AccountFactory
    ) -> None:
        master = await make.account(senders=["m@example.com"], monthly_cap=5)
        sub = await make.account(parent=master, senders=["s@example.com"])
        drafts = [draft_of(account, "a@x.org") for account in (master, sub) for _ in range(5)]
        results = await asyncio.gather(*map(batcher.accept, drafts), return_exceptions=True)
        assert sum(isinstance(result, messages.Accepted) for result in results) == 5
        assert sum(isinstance(result, QuotaExceeded) for result in results) == 5

    async def test_blocked_copies_do_not_count(
        self, batcher: Batcher, make: AccountFactory, engine: AsyncEngine
    ) -> None:
        account = await make.account(senders=["news@example.com"], monthly_cap=1)
        async with unit_of_work(engine) as write:
            await contacts.suppress(write, account.id, ["gone@x.org"], Reason.MANUAL)
        await batcher.accept(draft_of(account, "gone@x.org"))
        await batcher.accept(draft_of(account, "gone@x.org", "jo@x.org"))
        with pytest.raises(QuotaExceeded):
            await batcher.accept(draft_of(account, "jo@x.org"))
