"""The first account: made once, by `trireme init` or by the first `trireme up`. Imports the core's front doors."""

import asyncio
import sys

from app.cli.configuration import NotConfigured, load
from app.core import accounts, senders
from app.core.errors import Conflict, Invalid
from app.db.engine import make_engine
from app.db.unit_of_work import unit_of_work
from app.kit.secrets import Vault
from app.settings import Settings

SHORTEST_PASSWORD = 10
"""Characters; docs/contract/native.md, 2."""


def run(username: str, password: str) -> int:
    """Make the first account and print its key; return the exit status."""
    if len(password) < SHORTEST_PASSWORD:
        print(f"The password needs at least {SHORTEST_PASSWORD} characters.", file=sys.stderr)
        return 1
    try:
        key = create(load(), username=username, password=password)
    except (NotConfigured, Invalid) as error:
        print(error, file=sys.stderr)
        return 1
    except Conflict:
        print("There is an account already; nothing was changed.", file=sys.stderr)
        return 1
    print(key)
    return 0


def create(settings: Settings, *, username: str, password: str, sender: str = "") -> str:
    """Make the first account, an admin, and return its API key.

    Args:
        settings: Of the installation.
        username: An e-mail address.
        password: In clear.
        sender: A From address it may use at once; none when empty.

    Raises:
        Conflict: There is an account already.
        Invalid: A value cannot be accepted.
    """
    return asyncio.run(_create(settings, username, password, sender))  # noqa: TID251 a command owns its loop


async def _create(settings: Settings, username: str, password: str, sender: str) -> str:
    hashed = await accounts.hash_password(password)
    engine = make_engine(settings, pool_size=1)
    try:
        async with unit_of_work(engine) as write:
            opened = await accounts.create_first(
                write, Vault(settings.secret_keys), username=username, password_hash=hashed
            )
            if sender:
                await senders.add(write, opened.account.id, email=sender, require_verification=False)
            return opened.key
    finally:
        await engine.dispose()
