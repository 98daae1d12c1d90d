"""Every call of the reference client against a live server (docs/contract/dyn-email.md, 21).

The client blocks, and keeps one session per thread: each test is one function in a thread of its own.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.main import Application
from tests.contract.wire import Listener
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec
from tests.fixtures.reference_client import load_reference_client

pytestmark = pytest.mark.filterwarnings("ignore")  # the client's own: its release is of 2018

SECONDS = 60
AT = datetime(2016, 11, 22, tzinfo=UTC)
RANGE = (AT, AT + timedelta(days=1))
Use = Callable[[str, Callable[[Any], None]], Awaitable[None]]


@pytest.fixture
async def use(app: Application) -> AsyncIterator[Use]:
    """Run a function with the client, logged in with a key."""
    listener = Listener()
    listener.app = app

    async def run(key: str, calls: Callable[[Any], None]) -> None:
        def in_thread() -> None:
            client = load_reference_client()
            client.session.MMSession(key, host="127.0.0.1", port=listener.port, ssl=False)
            try:
                calls(client)
            finally:
                client.session.MMSession.close_session()  # the thread may serve another test

        await asyncio.wait_for(asyncio.to_thread(in_thread), SECONDS)

    async with listener.listening():
        yield run


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account(x_headers=["X-Campaign", "X-Region"], senders=["news@example.com"])


async def test_accounts(use: Use, account: MadeAccount) -> None:
    def calls(client: Any) -> None:
        accounts = client.accounts
        (own,) = accounts.get_all_accounts()
        assert (own.username, own.apikey, own.user_type) == (account.username, account.key, "Master")
        made = accounts.Account("new@example.com", "s3cret", "Example, Inc.", "603-555-0100", trackopens=1)
        assert len(made.apikey) == 32
        assert [one.username for one in accounts.get_all_accounts()] == [account.username, "new@example.com"]
        found = accounts.Account("new@example.com")
        assert (found.apikey, found.company_name, found.phone) == (made.apikey, "Example, Inc.", "603-555-0100")
        assert found.created.endswith("+00:00")
        assert own.xheaders == {"xheader1": "X-Campaign", "xheader2": "X-Region", "xheader3": "", "xheader4": ""}
        own.xheaders["xheader3"] = "X-Third"
        assert accounts.Account(account.username).xheaders["xheader3"] == "X-Third"
        made.delete()
        with pytest.raises(client.errors.NoSuchAccountError):
            accounts.Account("new@example.com")

    await use(account.key, calls)


async def test_senders(use: Use, account: MadeAccount) -> None:
    def calls(client: Any) -> None:
        accounts = client.accounts
        assert [str(one) for one in accounts.get_all_senders()] == ["<MM ApprovedSender>: news@example.com"]
        with pytest.raises(AttributeError):  # our empty list, after the sender exists
            accounts.ApprovedSender("shop@example.com", seeding=0)
        assert len(accounts.get_all_senders()) == 2
        sender = accounts.ApprovedSender("shop@example.com")
        assert sender.status == 1
        sender.dkim = "mail1"
        assert (sender.dkimval, sender.dkim, sender.spf) == ("mail1", 0, 0)
        sender.delete()
        with pytest.raises(client.errors.EmailInvalidArgumentError):
            accounts.ApprovedSender("shop@example.com")

    await use(account.key, calls)


async def test_recipients_and_suppressions(use: Use, make: Factories, account: MadeAccount) -> None:
    await make.suppression(account.id, "gone@example.org", reason="hardbounce")

    def calls(client: Any) -> None:
        accounts = client.accounts
        gone = {"emailaddress": "gone@example.org", "status": "inactive", "suppressionstatus": "suppressed"}
        recipient = accounts.Recipient("gone@example.org")
        assert recipient.recipients == [gone]
        recipient.activate()
        assert accounts.Recipient("gone@example.org").recipients == [{**gone, "status": "active"}]
        accounts.Recipient("gone@example.org", "POST")
        suppression = accounts.Suppression("new@example.org")
        assert suppression.get_count() == 2
        hour = timedelta(hours=1)
        now = datetime.now(UTC)
        assert suppression.get_count(now - hour, now + hour) == 2
        assert suppression.get_count(*RANGE) == 0
        listed = accounts.get_all_suppressions()
        assert [(one.emailaddress, one._reasontype) for one in listed] == [
            ("gone@example.org", "hardbounce"),
            ("new@example.org", "manual"),
        ]
        assert accounts.get_all_suppressions(*RANGE) == []
        suppression.activate()
        assert suppression.get_count() == 1

    await use(account.key, calls)


async def test_send_and_what_became_of_it(use: Use, account: MadeAccount) -> None:
    def calls(client: Any) -> None:
        to, headers = ["a@example.org", "b@example.org"], {"X-Campaign": "spring"}
        mail = client.message.EMail("news@example.com", to, "Sale", body="Good day.", xheaders=headers)
        mail.send()
        client.message.EMail("who@example.net", to, "Sale", body="Good day.").send()
        hour = timedelta(hours=1)
        since, until = datetime.now(UTC) - hour, datetime.now(UTC) + hour
        sent = client.reports.Sent(since, until)
        assert [one["emailaddress"] for one in sent.report] == to
        assert [one["xheaders"] for one in sent.report] == [headers, headers]
        assert sent.count == "2"
        assert client.reports.Sent(since, until, sender="other@example.com").report == []
        issues = client.reports.Issue(since, until)
        assert [(one["issuetype"], one["emailaddress"]) for one in issues.report] == [("unapprovedsender", to[0])]
        assert abs(issues.report[0]["date"] - datetime.now(UTC)) < hour
        assert issues.count == "1"

    await use(account.key, calls)


async def test_reports(use: Use, make: Factories, account: MadeAccount) -> None:
    whose = (account.id, account.senders["news@example.com"])
    copy = await make.delivered(*whose, AT, "jo@example.org", x_headers={"X-Campaign": "spring"})
    for minutes in (1, 2):
        await make.opened(copy, AT + timedelta(minutes=minutes))
        await make.clicked(copy, AT + timedelta(minutes=minutes))
    await make.complained(copy, AT + timedelta(minutes=3))
    bounced = await make.sent(*whose, AT, "gone@example.org")
    await make.bounced(bounced, BounceSpec(AT + timedelta(minutes=4)))

    def calls(client: Any) -> None:
        reports = client.reports
        expected = {"Sent": 2, "Delivered": 1, "Bounce": 1, "Complaint": 1, "Issue": 0, "Opens": 2, "Clicks": 2}
        for name, number in expected.items():
            report = getattr(reports, name)(*RANGE)
            assert len(report.report) == number, name
            assert report.refresh() == report.report
            assert report.count == str(number), name
            assert getattr(reports, name)(*RANGE, sender="who@example.com").report == []
        assert reports.Complaint(*RANGE).report[0]["date"] == AT + timedelta(minutes=3)
        assert reports.Bounce(*RANGE).report[0]["bouncerule"] == "emaildoesntexist"
        for kind in (reports.Opens, reports.Clicks):
            assert kind(*RANGE, domain="example.net").refresh() == []  # its first request does not carry the domain yet
            report = kind(*RANGE, domain="Example.org", recipient="jo@example.org")
            assert len(report.refresh()) == 2
            for name in ("unique", "unique_count"):
                with pytest.raises(KeyError, match="unique"):  # the key it looks for never existed
                    getattr(report, name)

    await use(account.key, calls)


async def test_errors(use: Use, account: MadeAccount) -> None:
    def refused(client: Any) -> None:
        with pytest.raises(client.errors.EmailKeyError):
            client.accounts.get_all_senders()

    def wrong(client: Any) -> None:
        with pytest.raises(client.errors.EmailInvalidArgumentError):
            client.accounts.Suppression("nonsense")
        with pytest.raises(client.errors.EmailInvalidArgumentError):
            client.accounts.Recipient("")

    await use("0" * 32, refused)
    await use(account.key, wrong)
