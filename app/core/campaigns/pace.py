"""The pace of an account's campaigns together; that of one campaign is its field `per_hour`. Uses the repository."""

from app.core.campaigns import repository
from app.core.errors import Fault, FieldFault, Invalid
from app.db.unit_of_work import WriteSession
from app.models.account_pace import AccountPace

MAX_PER_HOUR = 100_000_000


async def set_pace(write: WriteSession, account_id: int, per_hour: int | None) -> None:
    """Set how many campaign copies an hour the account may send, all its runs together.

    Args:
        write: The transaction.
        account_id: Whose.
        per_hour: Copies; None for no limit.

    Raises:
        Invalid: The number is out of range.
    """
    if per_hour is not None and not 1 <= per_hour <= MAX_PER_HOUR:
        raise Invalid([FieldFault("per_hour", Fault.INVALID, f"is not between 1 and {MAX_PER_HOUR}")])
    pace = await repository.pace(write, account_id)
    if per_hour is None:
        if pace is not None:
            await write.delete(pace)
    elif pace is None:
        write.add(AccountPace(account_id=account_id, per_hour=per_hour))
    else:
        pace.per_hour, pace.next_chunk_at = per_hour, None
    await write.flush()
