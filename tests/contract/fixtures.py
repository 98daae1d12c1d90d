"""The state that stands before each vector: accounts, senders, mails and suppressions of vectors.yaml, and its variables.

Opens, clicks, complaints and the marks of recipients have no table yet; the vectors that need them are not routed.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core.accounts import Changes
from app.core.messages import email_id
from app.db.unit_of_work import WriteSession, unit_of_work
from app.models import Bounce, DailyCount, HourlyCount, Suppression
from app.settings import Settings
from tests.contract.documents import FIXTURES
from tests.factories import Factories, MadeAccount
from tests.factories.copies import CopySpec

CATCHER = "http://catcher.example.com"
"""Nothing fires a postback yet, so nothing listens there."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NUMBER = re.compile(r"\$\{(sender\.\w+|\w+\.user_id)\}")
_UNSTORED = {"opens", "clicks", "complaint"}
_MAIL = {"account", "sender", "recipient", "process_time", "x", "bounce", "delivered", "blocked"}


@dataclass(frozen=True, slots=True)
class World:
    """What was laid down; the same in every copy of the database."""

    accounts: Mapping[str, MadeAccount]
    senders: Mapping[str, int]
    """By local part, as the vectors name them."""
    email_ids: Mapping[str, str]

    def value(self, name: str) -> object:
        """Return the value of a variable, as `key.master`, `sub_a.user_id` or `e1.email_id`."""
        first, _, second = name.partition(".")
        if first == "catcher":
            return CATCHER
        if first == "key":
            return self.accounts[second].key
        if first == "sender":
            return self.senders[second]
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
    return World(accounts, senders, await _mails(make, settings, accounts))


async def _suppressions(make: Factories, accounts: Mapping[str, MadeAccount]) -> None:
    for spec in FIXTURES["suppressions"]:
        account = accounts[spec["account"]]
        await make.suppression(account.id, spec["email"], reason=spec["reason"])
        async with unit_of_work(make.engine) as write:
            mine = (Suppression.account_id == account.id) & (Suppression.address == spec["email"])
            await write.execute(update(Suppression).where(mine).values(created_at=_instant(spec["time"])))


async def _mails(make: Factories, settings: Settings, accounts: Mapping[str, MadeAccount]) -> dict[str, str]:
    email_ids: dict[str, str] = {}
    for name, spec in FIXTURES["mails"].items():
        assert set(spec) <= _MAIL | _UNSTORED, name
        account = accounts[spec["account"]]
        bounce = spec.get("bounce")
        extra: dict[str, object] = {"bounced_at": _instant(bounce["time"])} if bounce else {}
        copy = CopySpec(
            account.id,
            account.senders[spec["sender"]],
            _instant(spec["process_time"]),
            spec["recipient"],
            delivered=spec.get("delivered", False),
            bounced=bounce is not None,
            blocked_reason=spec.get("blocked"),
            x_headers=spec.get("x"),
            extra=extra,
        )
        (message_id,) = await make.copies([copy])
        email_ids[name] = email_id(copy.accepted_at, message_id, settings.node_name)
        if bounce:
            async with unit_of_work(make.engine) as write:
                await _bounce(write, message_id, copy, bounce)
    return email_ids


async def _bounce(write: WriteSession, message_id: int, copy: CopySpec, spec: Mapping[str, Any]) -> None:
    """Write the bounce of a copy and count it in the hour and on the day it happened."""
    bounced_at = _instant(spec["time"])
    row = {
        "message_id": message_id,
        "accepted_at": copy.accepted_at,
        "account_id": copy.account_id,
        "sender_id": copy.sender_id,
        "bounced_at": bounced_at,
        "bounce_type": spec["type"],
        "category": spec["category"],
        "code": spec["code"],
        "regex_name": spec["regex_name"],
        "recipient": copy.recipient,
        "diagnostic": spec["diagnostic"],
        "full_content": spec["content"],
        "x_headers": copy.x_headers,
    }
    await write.execute(insert(Bounce).values(row))
    column = f"{spec['type']}_bounces"
    whose = {"account_id": copy.account_id, "sender_id": copy.sender_id}
    hour = bounced_at.replace(minute=0, second=0)
    for model, when in ((HourlyCount, {"hour": hour}), (DailyCount, {"day": bounced_at.date()})):
        counted = upsert(model).values({**whose, **when, column: 1})
        more = {column: getattr(model, column) + 1}
        await write.execute(counted.on_conflict_do_update(index_elements=[*whose, *when], set_=more))


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
