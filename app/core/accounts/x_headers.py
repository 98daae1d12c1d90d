"""The four X-header names an account has remembered with its mail. Uses the repository.

Source: docs/contract/dyn-email.md, 6.5 and 12.
"""

import re
from collections.abc import Sequence

from sqlalchemy import func

from app.core.accounts import repository
from app.core.errors import Fault, FieldFault, Invalid, NotFound
from app.db.unit_of_work import ReadSession, WriteSession

SLOTS = 4
"""Names per account."""
MAX_LENGTH = 100
"""Longest name, in characters."""
_NAME = re.compile(r"[Xx]-[A-Za-z0-9_-]+")


async def x_header_names(read: ReadSession, account_ids: Sequence[int]) -> set[str]:
    """Return the X-header names that any of the accounts has configured, in lower case."""
    return await repository.x_header_names(read, account_ids)


async def set_x_headers(write: WriteSession, account_id: int, names: Sequence[str]) -> None:
    """Replace all four slots of X-header names that are remembered with mail accepted from now on.

    Args:
        write: The transaction.
        account_id: Whose.
        names: Up to four; "" leaves its slot empty.

    Raises:
        NotFound: There is no such account.
        Invalid: A name is malformed, or given twice ignoring case; fields are `x_header_1` to `x_header_4`.

    Source:
        docs/contract/dyn-email.md, 6.5 and 12.
    """
    slots = [*names, "", "", "", ""][:SLOTS]
    faults: list[FieldFault] = []
    seen: set[str] = set()
    for number, name in enumerate(slots, 1):
        wrong = name and (len(name) > MAX_LENGTH or not _NAME.fullmatch(name) or name.lower() in seen)
        if wrong:
            faults.append(FieldFault(f"x_header_{number}", Fault.INVALID, "is not the name of an X-header"))
        seen.add(name.lower())
    if faults:
        raise Invalid(faults)
    account = await repository.by_id(write, account_id)
    if account is None:
        raise NotFound("no such account")
    if list(account.x_headers) == slots:
        return
    account.x_headers = slots
    account.updated_at = func.now()
    await write.flush()
    await repository.raise_revision(write, account_id)
    await write.refresh(account)
