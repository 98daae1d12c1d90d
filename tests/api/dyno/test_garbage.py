"""Whatever comes in, the answer is one of the documented ones: never a crash."""

import asyncio

import httpx2

from app.api.dyno.router import router
from app.kit.uids import Noun, uuid
from tests.api.dyno.conftest import Dyno, refusal
from tests.api.hostile import Hostile, Requests, drawn
from tests.api.native.operations import described, operations
from tests.factories import Factories

EACH = 10
"""Requests of each operation."""
SECONDS = 20.0
"""Longest time of an answer."""
KNOWN = {(400, "400"), (403, "403"), (404, "404"), (500, "123"), (500, "124"), (500, "125")}


async def test_garbage_is_answered(dyno: Dyno, make: Factories) -> None:
    audience = await make.audience(dyno.account, fields=["PLAN"])
    await make.contact(audience, "jo@example.com")
    template = str(uuid(Noun.TEMPLATE, (await make.template(dyno.account)).id))
    campaign = await make.campaign(dyno.account, [audience], from_email="shop@example.com")
    list_id, campaign_id = str(uuid(Noun.AUDIENCE, audience.id)), str(uuid(Noun.CAMPAIGN, campaign.id))
    good = {
        "templates": [template],
        "lists": [list_id],
        "campaigns": [campaign_id],
        "template_id": [template],
        "list_id": [list_id],
        "list_ids": [list_id],
        "campaign_id": [campaign_id],
        "from_email": ["shop@example.com"],
        "iso_start_time": ["2099-01-20T09:00:00"],
        "time_zone": ["UTC", "GMT+7"],
        "email_list": ["jo@example.com"],
    }
    document = described(router)
    requests = Requests(document, good, {"Authorization": ["Bearer x", "x"], "Accept": ["text/html", ""]})
    key = {"User-Api-Key": dyno.key}
    found = operations(document)
    for line in sorted(found, key=lambda line: line.startswith("DELETE")):
        for request in drawn(requests.of(line, found[line]), EACH):
            await answered(dyno.client, request, key)


async def answered(client: httpx2.AsyncClient, request: Hostile, key: dict[str, str]) -> None:
    async with asyncio.timeout(SECONDS):
        answer = await request.send(client, key)
    said = (request, answer.status_code, answer.text[:1000])
    assert "Traceback" not in answer.text, said
    if answer.status_code == 200:
        assert list(answer.json()) == ["has_error", "error_code", "data"], said
        return
    status, code, _ = refusal(answer)
    assert (status, code) in KNOWN, said
