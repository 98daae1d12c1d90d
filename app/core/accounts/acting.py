"""Accounts that act for others below them. Uses the repository.

Source: docs/contract/native.md, 1, "Roles and scopes".
"""

from uuid import UUID

from app.core.accounts import repository
from app.core.accounts.caller import Caller, caller_as
from app.core.errors import Forbidden, NotFound
from app.db.unit_of_work import ReadSession
from app.models.account import AccountStatus, Role


async def act_for(read: ReadSession, own: Caller, account: UUID) -> Caller:
    """Return the caller that an account is when it acts for another: that other one, through its own key.

    Args:
        read: The transaction.
        own: Whose key it is: an admin acts for anybody, a master for its sub-accounts, everybody for itself.
        account: For whom.

    Raises:
        NotFound: There is no such account, or it is not below.
        Forbidden: It is disabled.
    """
    if account == own.public_id:
        return own
    row = await repository.by_public_id(read, account)
    if row is None or not (own.role is Role.ADMIN or (own.is_master and row.parent_id == own.account_id)):
        raise NotFound("no such account")
    if row.status != AccountStatus.ACTIVE:
        raise Forbidden("the account is disabled")
    return caller_as(row, key_id=own.key_id, scopes=own.scopes)
