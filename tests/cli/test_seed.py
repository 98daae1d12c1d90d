"""`trireme seed` as a process."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.cli.seed import rows
from app.cli.seed_content import HTML, LINKS
from app.core import audiences, campaigns, contacts
from app.db.unit_of_work import reading
from app.mail.personalise import known_names, parse
from app.settings import Settings, as_environment
from tests.cli.test_commands import trireme
from tests.factories import Factories


@pytest.fixture
def variables(settings: Settings) -> dict[str, str]:
    """The environment that names the test's database and nothing else."""
    return as_environment({"database_url": settings.database_url})


async def run(*arguments: str, variables: dict[str, str]) -> tuple[int, dict[str, str], str]:
    done = await asyncio.to_thread(trireme, "seed", *arguments, variables=variables)
    return done.returncode, dict(line.split("=", 1) for line in done.stdout.splitlines()), done.stderr


async def test_it_makes_an_audience_with_contacts_and_a_campaign_each_time(
    make: Factories, engine: AsyncEngine, variables: dict[str, str]
) -> None:
    account = await make.account("owner@accounts.example")
    status, said, progress = await run(
        "--contacts", "50", "--account", "Owner@accounts.example", "--campaign", variables=variables
    )
    assert (status, said["contacts"], progress) == (0, "50", "50 of 50 contacts\n")
    assert float(said["contacts_per_second"]) > 0
    status, again, _ = await run(
        "--contacts", "3", "--account", account.username, "--audience", "Other", variables=variables
    )
    assert (status, set(again)) == (0, {"audience", "contacts", "contacts_per_second"})
    async with reading(engine) as read:
        first, second = await audiences.list_after(read, account.id)
        assert (await audiences.get(read, account.id, said["audience"])).id == first.id
        assert (await audiences.get(read, account.id, again["audience"])).id == second.id
        assert (first.name, second.name) == ("Seeded", "Other")
        assert (await audiences.statistics(read, account.id, first.id)).subscribed == 50
        found = await contacts.list_after(read, account.id, first.id)
        campaign = (await campaigns.get(read, account.id, said["campaign"])).campaign
    assert set(found[9].fields) == {"FIRST_NAME", "LAST_NAME", "CITY", "PLAN_NAME", "VIP"}
    assert (campaign.audience_ids, campaign.html, campaign.from_email) == ([first.id], HTML, "news@sender.test")


async def test_what_is_missing_is_said(variables: dict[str, str], tmp_path: Path) -> None:
    for arguments, environment, status, sentence in (
        (["--account", "nobody@x.example"], variables, 1, "there is no account nobody@x.example"),
        (["--data-dir", str(tmp_path)], {}, 2, "TRIREME_DATABASE_URL"),
        ([], as_environment({"database_url": "postgresql+asyncpg://app@127.0.0.1:1/app"}), 2, "gave no answer"),
    ):
        returned, _, errors = await run("--contacts", "1", *arguments, variables=environment)
        assert returned == status
        assert sentence in errors


def test_few_domains_get_most_of_the_mail() -> None:
    emails = [row.email for row in rows(1, 20_001)]
    assert len(set(emails)) == 20_000
    domains = Counter(email.partition("@")[2] for email in emails)
    assert len(domains) == 200
    assert all(domain.endswith(".test") for domain in domains)
    [(_, most)] = domains.most_common(1)
    assert 0.1 < most / 20_000 < 0.25
    assert list(rows(5, 9)) == list(rows(5, 9))


def test_the_content_is_of_the_usual_size() -> None:
    assert 19_000 < len(HTML) < 21_000
    assert HTML.count('<a href="https://') == LINKS
    fields = ("FIRST_NAME", "LAST_NAME", "CITY", "PLAN_NAME", "VIP")
    assert parse(HTML, known_names(fields)).names == {*fields, "UNSUBSCRIBE_URL", "UPDATE_PROFILE_URL", "WEB_VIEW_URL"}
