"""Senders verified by DNS: over HTTP, by the tasks in a process of their own, against a real little DNS server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.jobs import Job, VerifyDueSenders, VerifySender
from app.core.senders import Sender
from app.db.unit_of_work import unit_of_work
from app.main import create_app
from app.settings import Delivery, Senders, Settings, as_environment
from tests.factories import Factories
from tests.fixtures.dns_server import DnsServer
from tests.workers.test_tasks import run
from workers.sender_dns import expected

PATH = "/rest/json/senders"
DOMAIN = "customer.test"
SPF = {(f"{DOMAIN}.", "TXT"): ['"v=spf1 inc" "lude:mail.example.com -all"']}


@asynccontextmanager
async def strict_client(settings: Settings, jobs: list[Job]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a service that wants senders verified and notes the jobs it asks for."""
    application = create_app(settings.model_copy(update={"senders": Senders(require_verification=True)}))
    async with application.running():
        runtime: Any = application.main_app.state.runtime
        runtime.queue.publish = jobs.extend
        transport = httpx2.ASGITransport(application)
        async with httpx2.AsyncClient(transport=transport, base_url="http://mail.example.com") as client:
            yield client


async def ask(client: httpx2.AsyncClient, path: str, key: str, **fields: str) -> Any:
    response = await client.post(PATH + path, data={"apikey": key, "emailaddress": f"news@{DOMAIN}", **fields})
    assert response.status_code == 200
    return response.json()["response"]["data"]


async def work(settings: Settings, server: DnsServer, *jobs: Job) -> None:
    """Do the jobs as a worker does."""
    calls = "; ".join(
        f"senders.verify(sender_id={job.sender_id})" if isinstance(job, VerifySender) else "senders.verify_due()"
        for job in jobs
    )
    code = f"from workers.tasks import senders; from workers import runtime; {calls}; runtime.close()"
    more = as_environment({"delivery.name_servers": f"127.0.0.1:{server.port}"})
    await asyncio.to_thread(run, settings, f"import os; os.environ.update({more!r}); {code}")


def strings(record: str) -> str:
    """Return a TXT record in strings of at most 255 characters."""
    return " ".join(f'"{record[start : start + 200]}"' for start in range(0, len(record), 200))


async def test_a_sender_becomes_ready_when_dns_shows_both_records(settings: Settings, make: Factories) -> None:
    account = await make.account()
    jobs: list[Job] = []
    async with DnsServer(SPF) as server, strict_client(settings, jobs) as client:
        assert await ask(client, "", account.key) == []
        details = await ask(client, "/dkim", account.key, dkim="m1")
        assert (details["spf"], details["dkim"]) == (0, 0)
        assert len(jobs) == 2
        assert isinstance(jobs[0], VerifySender)
        await work(settings, server, *jobs)
        details = await ask(client, "/details", account.key)
        assert (details["spf"], details["dkim"], details[f"_domainkey.{DOMAIN}"]) == (1, 0, "o=~")
        assert await ask(client, "/status", account.key) == {"ready": 0}
        mail = {
            "apikey": account.key,
            "from": f"news@{DOMAIN}",
            "to": "jo@example.org",
            "subject": "s",
            "bodytext": "t",
        }
        refused = (await client.post("/rest/json/send", data=mail)).json()["response"]["data"]
        assert refused == "503 5.5.1 Error: need MAIL command"

        name = f"m1._domainkey.{DOMAIN}"
        server.zone[f"{name}.", "TXT"] = [strings(details[name])]
        await work(settings, server, jobs[1])
        details = await ask(client, "/details", account.key)
        assert (details["spf"], details["dkim"]) == (1, 1)
        assert await ask(client, "/status", account.key) == {"ready": 1}
        accepted = (await client.post("/rest/json/send", data=mail)).json()["response"]["data"]
        assert accepted == "250 2.1.0 Ok"


async def test_the_sweep_comes_back_and_what_dns_does_not_say_changes_nothing(
    settings: Settings, make: Factories, engine: AsyncEngine
) -> None:
    account = await make.account(senders=[f"news@{DOMAIN}", "other@silent.test"])
    sender_id = account.senders[f"news@{DOMAIN}"]

    async def age(**ages: timedelta) -> None:
        """Let the last look and the last change lie back."""
        async with unit_of_work(engine) as write:
            stamps = {name: Sender.created_at - old for name, old in ages.items()}
            await write.execute(update(Sender).where(Sender.id == sender_id).values(stamps))

    async with DnsServer(SPF) as server, strict_client(settings, []) as client:
        server.silent.add("silent.test.")

        async def sweep() -> bool:
            """Sweep; return whether DNS was asked about the domain."""
            server.questions.clear()
            await work(settings, server, VerifyDueSenders())
            return f"{DOMAIN}. TXT" in server.questions

        assert await sweep()
        assert not await sweep()
        assert (await ask(client, "/details", account.key))["spf"] == 1
        # changed an hour before the last look, which was 20 minutes ago: not yet; 40 minutes: now
        for minutes, comes in ((20, False), (40, True)):
            last = timedelta(minutes=minutes)
            await age(checked_at=last, updated_at=last + timedelta(hours=1))
            assert await sweep() is comes
        # what was found stays when DNS fails, and goes when DNS says so
        server.failing.add(f"{DOMAIN}.")
        await age(checked_at=timedelta(days=2), updated_at=timedelta(days=9))
        assert await sweep()
        assert (await ask(client, "/details", account.key))["spf"] == 1
        server.failing.clear()
        server.zone[f"{DOMAIN}.", "TXT"] = ['"v=spf1 -all"']
        await age(checked_at=timedelta(days=2), updated_at=timedelta(days=9))
        assert await sweep()
        assert (await ask(client, "/details", account.key))["spf"] == 0
        assert await ask(client, "/status", account.key) == {"ready": 1}


@pytest.mark.parametrize(
    ("senders", "delivery", "name", "addresses"),
    [
        (Senders(), Delivery(), "mail.example.com", []),
        (Senders(spf_include="spf.mail.test"), Delivery(source_addresses="192.0.2.1, 2001:db8::1"), "spf.mail.test",
         ["192.0.2.1", "2001:db8::1"]),
    ],
)  # fmt: skip
def test_what_spf_has_to_cover_comes_from_the_settings(
    settings: Settings, senders: Senders, delivery: Delivery, name: str, addresses: list[str]
) -> None:
    found = expected(settings.model_copy(update={"senders": senders, "delivery": delivery}))
    assert (found.spf_name, [str(one) for one in found.addresses]) == (name, addresses)
