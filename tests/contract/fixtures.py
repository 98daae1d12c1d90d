"""The state that stands before each vector, and its variables.

Accounts, senders, suppressions, audiences, contacts and mails of vectors.yaml with all that happened to them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import audiences, contacts
from app.core.accounts import Changes
from app.core.contacts import ContactStatus
from app.core.messages import email_id
from app.db.unit_of_work import unit_of_work
from app.kit.uids import Noun, uid, uuid
from app.models import RecipientMark, Suppression
from app.settings import Settings
from tests.contract.documents import FIXTURES
from tests.contract.mailings import lay_campaigns, lay_messages, lay_templates
from tests.factories import Factories, MadeAccount
from tests.factories.history import BounceSpec, LaidCopy

CATCHER = "http://catcher.example.com"
"""Nothing fires a postback yet, so nothing listens there."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NUMBER = re.compile(r"\$\{(sender\.\w+|\w+\.user_id)\}")
_MAIL = {
    "account", "sender", "recipient", "process_time", "x", "delivered", "blocked",
    "bounce", "opens", "clicks", "complaint",
}  # fmt: skip


_AUDIENCE_SETTINGS = {"double_opt_in"}


@dataclass(frozen=True, slots=True)
class Thing:
    """An audience, a contact, a campaign or a message: what the vectors call it by."""

    uid: str
    id: str
    """Its UUID."""
    email: str = ""
    number: int = 0
    """Its id in the database."""


@dataclass(frozen=True, slots=True)
class World:
    """What was laid down; the same in every copy of the database."""

    accounts: Mapping[str, MadeAccount]
    senders: Mapping[str, int]
    """By local part, as the vectors name them."""
    email_ids: Mapping[str, str]
    things: Mapping[str, Thing]

    def value(self, name: str) -> object:
        """Return the value of a variable, as `key.master`, `sub_a.user_id` or `e1.email_id`."""
        first, _, second = name.partition(".")
        if first == "catcher":
            return CATCHER
        if first == "key":
            return self.accounts[second].key
        if first == "sender":
            return self.senders[second]
        if first in self.things:
            return getattr(self.things[first], second)
        attributes = {"user_id": "id", "uuid": "public_id"}
        return self.email_ids[first] if second == "email_id" else getattr(self.accounts[first], attributes[second])

    def text(self, template: str, captured: Mapping[str, str]) -> str:
        """Return a text with its variables replaced."""

        def replace(found: re.Match[str]) -> str:
            name = found[1].removeprefix("text:")
            return captured[name] if name in captured else str(self.value(name))

        return _VARIABLE.sub(replace, template)

    def tree(self, template: object, captured: Mapping[str, str]) -> object:
        """Return a tree with its variables replaced; a value that is only an integer id becomes a number."""
        match template:
            case str():
                number = _NUMBER.fullmatch(template)
                return self.value(number[1]) if number else self.text(template, captured)
            case list():
                return [self.tree(one, captured) for one in template]
            case dict():
                return {self.text(str(key), captured): self.tree(one, captured) for key, one in template.items()}
            case _:
                return template


async def lay_down(engine: AsyncEngine, settings: Settings) -> World:
    """Lay the state down in a migrated, empty database."""
    make = Factories(engine, settings)
    accounts: dict[str, MadeAccount] = {}
    for name, spec in FIXTURES["accounts"].items():
        fields = dict(spec)
        accounts[name] = await make.account(
            fields.pop("username"),
            accounts.get(fields.pop("parent", "")),
            x_headers=fields.pop("x_headers", ()),
            senders=fields.pop("senders"),
            **cast("Changes", fields),
        )
    senders = {
        address.partition("@")[0]: id_ for account in accounts.values() for address, id_ in account.senders.items()
    }
    await _suppressions(make, accounts)
    email_ids = await _mails(make, settings, accounts)
    things = await _audiences(make, accounts["app"].id)
    numbers = {name: one.number for name, one in things.items()}
    for name, number in (await lay_campaigns(make, accounts["app"].id, numbers)).items():
        things[name] = thing(Noun.CAMPAIGN, number)
    for name, number in (await lay_messages(make, accounts["app"].id, numbers)).items():
        things[name] = thing(Noun.TRANSACTIONAL, number)
    for name, number in (await lay_templates(make, accounts["app"].id)).items():
        things[name] = thing(Noun.TEMPLATE, number)
    return World(accounts, senders, email_ids, things)


async def _suppressions(make: Factories, accounts: Mapping[str, MadeAccount]) -> None:
    async with unit_of_work(make.engine) as write:
        for spec in FIXTURES["suppressions"]:
            entry = {"account_id": accounts[spec["account"]].id, "address": spec["email"], "reason": spec["reason"]}
            at = _instant(spec["time"])
            await write.execute(insert(Suppression).values({**entry, "created_at": at}))
            if spec.get("mark"):
                await write.execute(insert(RecipientMark).values({**entry, "marked_at": at}))


def thing(noun: Noun, number: int, email: str = "") -> Thing:
    """Return what a row is called."""
    return Thing(uid(noun, number), str(uuid(noun, number)), email, number)


async def _audiences(make: Factories, account_id: int) -> dict[str, Thing]:
    """Make audiences with their fields, then contacts; suppressions stand already."""
    made: dict[str, Thing] = {}
    async with unit_of_work(make.engine) as write:
        for name, spec in FIXTURES["audiences"].items():
            values = dict(spec)
            fields = values.pop("fields", ())
            settings = {key: values.pop(key) for key in _AUDIENCE_SETTINGS & set(values)}
            audience = await audiences.create(write, account_id, settings=settings, **values)
            for field in fields:
                await audiences.add_field(write, account_id, audience.id, **field)
            made[name] = thing(Noun.AUDIENCE, audience.id)
        for name, spec in FIXTURES["contacts"].items():
            values = dict(spec)
            audience_id, status = made[values.pop("audience")].number, ContactStatus(values.pop("status"))
            contact = await contacts.add(
                write, account_id, audience_id, status=status, refuse_suppressed=False, **values
            )
            assert contact.status == status
            made[name] = thing(Noun.CONTACT, contact.id, contact.address)
    made["list"] = made["audience"]
    return made


async def _mails(make: Factories, settings: Settings, accounts: Mapping[str, MadeAccount]) -> dict[str, str]:
    email_ids: dict[str, str] = {}
    for name, spec in FIXTURES["mails"].items():
        assert set(spec) <= _MAIL, name
        account = accounts[spec["account"]]
        whose = (account.id, account.senders[spec["sender"]], _instant(spec["process_time"]), spec["recipient"])
        x_headers = spec.get("x")
        if "blocked" in spec:
            copy = await make.blocked(*whose, reason=spec["blocked"], x_headers=x_headers)
        else:
            copy = await make.sent(*whose, delivered=spec.get("delivered", False), x_headers=x_headers)
        email_ids[name] = email_id(copy.accepted_at, copy.message_id, settings.node_name)
        await _events(make, copy, spec)
    return email_ids


async def _events(make: Factories, copy: LaidCopy, spec: Mapping[str, Any]) -> None:
    """Write what happened to a copy, counted at its own times."""
    if bounce := spec.get("bounce"):
        given = {name: value for name, value in bounce.items() if name != "time"}
        given["diagnostic"] = given["diagnostic"].removeprefix("smtp;")  # which the API says, and is not stored
        await make.bounced(copy, BounceSpec(_instant(bounce["time"]), **given))
    for one in spec.get("opens", ()):
        await make.opened(copy, _instant(one["time"]), ip=one["ip"])
    for one in spec.get("clicks", ()):
        await make.clicked(copy, _instant(one["time"]), one["url"], ip=one["ip"])
    if complaint := spec.get("complaint"):
        await make.complained(copy, _instant(complaint))


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
