"""Which tables are configuration, what their rows are called, and whose they are. Imports db and kit.

By table and column names, so that a noun needs no import here.
"""

from sqlalchemy import Connection, Table
from sqlalchemy import select as sa_select

from app.db.base import Base
from app.kit import uids
from app.kit.uids import Noun

TYPES: dict[str, str] = {
    "accounts": "account",
    "api_keys": "api_key",
    "audience_fields": "audience_field",
    "audiences": "audience",
    "automations": "automation",
    "campaigns": "campaign",
    "dkim_keys": "dkim_key",
    "jobs": "job",
    "segments": "segment",
    "senders": "sender",
    "settings_overrides": "setting",
    "templates": "template",
    "transactional_messages": "transactional_message",
    "webhooks": "webhook",
}
"""What an object is called in the audit log, by table."""

_NOUNS: dict[str, Noun] = {
    "audiences": Noun.AUDIENCE,
    "automations": Noun.AUTOMATION,
    "campaigns": Noun.CAMPAIGN,
    "jobs": Noun.JOB,
    "segments": Noun.SEGMENT,
    "templates": Noun.TEMPLATE,
    "transactional_messages": Noun.TRANSACTIONAL,
    "webhooks": Noun.WEBHOOK,
}


def table_of(row: object) -> str:
    """Return the table a mapped object belongs to; "" when it is none that is watched."""
    name = getattr(type(row), "__tablename__", "")
    return name if name in TYPES else ""


def name_of(row: Base, table: str) -> str:
    """Return the name that the native API gives a row: a UUID, a tag, or the name of a setting."""
    if (public := getattr(row, "public_id", None)) is not None:
        return str(public)
    number = getattr(row, "id", None)
    noun = _NOUNS.get(table)
    if noun is not None and isinstance(number, int):
        return str(uids.uuid(noun, number))
    if table == "audience_fields":
        return f"{uids.uuid(Noun.AUDIENCE, row.audience_id)}/{row.tag}"  # type: ignore[attr-defined]  # of that table
    return str(number if number is not None else getattr(row, "name", ""))


def owner_of(connection: Connection, row: Base, table: str) -> int | None:
    """Return the account a row belongs to; None when it belongs to the installation.

    Args:
        connection: Of the transaction, for fields, which know their audience only.
        row: A mapped object.
        table: Its table.
    """
    if table == "accounts":
        return int(row.id)  # type: ignore[attr-defined]  # of that table
    if table == "audience_fields":
        audiences: Table = Base.metadata.tables["audiences"]
        query = sa_select(audiences.c.account_id).where(audiences.c.id == row.audience_id)  # type: ignore[attr-defined]
        return connection.execute(query).scalar_one_or_none()
    return getattr(row, "account_id", None)
