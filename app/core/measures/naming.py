"""What keys are called. Imports this package's modules."""

from collections.abc import Sequence

from app.core.measures.asking import Asking
from app.core.measures.values import By, Key

_STATEMENTS = {By.ACCOUNT: "account_names", By.SENDER: "sender_names", By.CAMPAIGN: "campaign_names"}


async def names_of(asking: Asking, by: By, keys: Sequence[str]) -> dict[str, Key]:
    """Return each key with its name; what is gone is called by its number.

    Raises:
        Overloaded: The time of the question is over.
    """
    statement = _STATEMENTS.get(by)
    if statement is None or not keys:
        return {key: Key(key) for key in keys}
    numbers = [int(key) for key in keys]
    rows = await asking.rows(statement, numbers)
    known = {row.id: Key(row.name, row.id, getattr(row, "public_id", None)) for row in rows}
    return {str(number): known.get(number) or Key(str(number), number) for number in numbers}
