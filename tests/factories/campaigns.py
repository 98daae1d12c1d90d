"""Campaigns and their runs."""

import itertools
from collections.abc import Sequence
from typing import Unpack

from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import campaigns
from app.core.audiences import Audience
from app.core.campaigns import Campaign, Fields, Run, Start
from app.db.unit_of_work import unit_of_work
from tests.factories.accounts import MadeAccount

HTML = '<html><body><p>Hello {FIRST_NAME}</p><a href="https://shop.example/sale">Sale</a></body></html>'


class CampaignFactory:
    """Makes campaigns."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._campaign_numbers = itertools.count(1)

    async def campaign(
        self, account: MadeAccount | int, audiences: Sequence[Audience] = (), **fields: Unpack[Fields]
    ) -> Campaign:
        """Make a campaign that is ready once its account has an approved sender and it has an audience."""
        number = next(self._campaign_numbers)
        given: Fields = {
            "audience_ids": [audience.id for audience in audiences],
            "subject": f"News {number}",
            "html": HTML,
            **fields,
        }
        async with unit_of_work(self.engine) as write:
            account_id = account if isinstance(account, int) else account.id
            return await campaigns.create(write, account_id, name=f"Campaign {number}", **given)

    async def run(self, campaign: Campaign, *, at: Start | None = None) -> Run:
        """Start a campaign; its run is queued, or scheduled when the time lies ahead."""
        async with unit_of_work(self.engine) as write:
            return await campaigns.start(write, campaign.account_id, campaign.id, at=at)

    async def sending(self, campaign: Campaign) -> Run:
        """Start a campaign and fix its targets; the run is sending, or done when there are none."""
        run = await self.run(campaign)
        await campaigns.snapshot(self.engine, run.id)
        async with unit_of_work(self.engine) as write:
            return await campaigns.run(write, campaign.account_id, run.id)
