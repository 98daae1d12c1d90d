"""Any sequence of changes to the list and to a contact keeps both in line."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import contacts, suppressions
from app.core.audiences import Audience
from app.core.contacts import Contact, ContactStatus
from app.core.errors import Invalid
from app.core.suppressions import Reason
from app.db.unit_of_work import WriteSession, unit_of_work
from tests.factories import Factories

DEEDS = st.lists(st.sampled_from([*Reason, "unsuppress", "subscribe", "unsubscribe", "confirm"]), max_size=10)
MAILED = {ContactStatus.SUBSCRIBED, ContactStatus.UNCONFIRMED}
_numbers = itertools.count()


class Model:
    """What docs/contract/dyn-email.md, 16 says, for one contact: who it would be without the list, and the entry."""

    def __init__(self, status: ContactStatus) -> None:
        self.own = status
        self.entry: Reason | None = None

    @property
    def status(self) -> ContactStatus:
        listed = self.entry not in {None, Reason.UNSUBSCRIBE} and self.listed_while_mailed
        return ContactStatus.BLACKLISTED if listed else self.own

    listed_while_mailed = False
    """Whether the contact was subscribed or unconfirmed when the entry came."""

    def do(self, deed: str) -> bool:
        """Return whether it is allowed."""
        blocked = self.entry not in {None, Reason.UNSUBSCRIBE}
        if deed == "unsuppress":
            self.entry, self.listed_while_mailed = None, False
        elif deed == "subscribe":
            if blocked:
                return False
            self.own, self.entry = ContactStatus.SUBSCRIBED, None
        elif deed == "unsubscribe":
            if self.own in MAILED:
                self.own = ContactStatus.UNSUBSCRIBED
        elif deed == "confirm":
            if self.own == ContactStatus.UNCONFIRMED and not self.listed_while_mailed:
                self.own = ContactStatus.SUBSCRIBED
        elif deed == Reason.UNSUBSCRIBE:
            self.entry = self.entry or Reason.UNSUBSCRIBE
            if self.own in MAILED:
                self.own = ContactStatus.UNSUBSCRIBED
        elif not blocked:
            self.entry, self.listed_while_mailed = Reason(deed), self.own in MAILED
        return True


async def do(write: WriteSession, contact: Contact, deed: str) -> None:
    account_id, audience_id, contact_id, address = contact.account_id, contact.audience_id, contact.id, contact.address
    match deed:
        case "unsuppress":
            await contacts.unsuppress(write, account_id, [address])
        case "subscribe":
            await contacts.subscribe(write, account_id, audience_id, contact_id)
        case "unsubscribe":
            await contacts.unsubscribe(write, account_id, audience_id, contact_id)
        case "confirm":
            await contacts.confirm(write, account_id, contact_id)
        case _:
            await contacts.suppress(write, account_id, [address], Reason(deed))


@pytest.fixture
async def audience(make: Factories) -> Audience:
    return await make.audience(await make.account())


@given(deeds=DEEDS, status=st.sampled_from(["subscribed", "unconfirmed", "unsubscribed"]))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
async def test_list_and_contact_stay_in_line(
    make: Factories, engine: AsyncEngine, audience: Audience, deeds: list[str], status: str
) -> None:
    contact = await make.contact(audience, f"p{next(_numbers)}@x.example", status=status)
    model = Model(ContactStatus(status))
    async with unit_of_work(engine) as write:
        for deed in deeds:
            try:
                async with write.begin_nested():
                    await do(write, contact, deed)
                    allowed = True
            except Invalid:
                allowed = False
            assert allowed is model.do(deed)
            now = await contacts.get(write, audience.account_id, audience.id, contact.id)
            reasons = await suppressions.reasons(write, audience.account_id, [contact.address])
            assert reasons.get(contact.address) == model.entry
            assert now.status == model.status
            assert (now.status_before is not None) is (now.status == ContactStatus.BLACKLISTED)
