"""Who is asking: one account through one key, as an immutable value. Imports the models and the core's errors."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from app.core.errors import Forbidden
from app.models.account import Account, Role
from app.models.api_key import Scope

SCOPES_OF_ROLE: dict[Role, tuple[Scope, ...]] = {
    Role.ADMIN: (Scope.READ, Scope.SEND, Scope.WRITE, Scope.ADMIN),
    Role.MASTER: (Scope.READ, Scope.SEND, Scope.WRITE),
    Role.SUB: (Scope.READ, Scope.SEND, Scope.WRITE),
}
"""What the primary key of an account opens: every scope of its role (docs/contract/native.md, 1)."""

_OPENS: dict[Scope, frozenset[Scope]] = {
    Scope.READ: frozenset({Scope.READ}),
    Scope.SEND: frozenset({Scope.SEND}),
    Scope.WRITE: frozenset({Scope.READ, Scope.SEND, Scope.WRITE}),
    Scope.ADMIN: frozenset(Scope),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """An account as it was when one of its keys was read.

    Attributes:
        account_id: The integer `user_id` of the foreign families.
        public_id: The UUID of the native API.
        parent_id: The master of a sub-account.
        key_id: The key that was used.
        scopes: What that key opens; ask `may`.
        revision: Number of the account's state; a later change of the account, its keys or senders makes it stale.
        x_headers: Four slots of names, "" where none is set.
        monthly_cap: The account's own limit of copies per calendar month; None = the setting's default.
    """

    account_id: int
    public_id: UUID
    parent_id: int | None
    role: Role
    username: str
    key_id: UUID
    scopes: frozenset[Scope]
    revision: int
    x_headers: tuple[str, ...]
    monthly_cap: int | None
    test_mode: bool
    track_opens: bool
    track_links: bool
    track_unsubscribes: bool

    def may(self, scope: Scope) -> bool:
        """Tell whether the key opens this; `write` includes `read` and `send`, `admin` includes all."""
        return any(scope in _OPENS[held] for held in self.scopes)

    def require(self, scope: Scope) -> None:
        """Go on only when the key opens this.

        Raises:
            Forbidden: It does not.
        """
        if not self.may(scope):
            raise Forbidden(f"the key lacks the scope {scope}")

    @property
    def quota_root(self) -> int:
        """The account whose monthly limit covers this one: the master."""
        return self.parent_id or self.account_id

    @property
    def is_master(self) -> bool:
        """Whether the account may have sub-accounts."""
        return self.role is not Role.SUB


def caller_as(account: Account, *, key_id: UUID, scopes: Iterable[Scope | str]) -> Caller:
    """Return an account as the caller it is, through a key.

    Args:
        account: The row.
        key_id: The key, which may be that of an account above.
        scopes: What the key opens.
    """
    return Caller(
        account_id=account.id,
        public_id=account.public_id,
        parent_id=account.parent_id,
        role=Role(account.role),
        username=account.username,
        key_id=key_id,
        scopes=frozenset(Scope(scope) for scope in scopes),
        revision=account.revision,
        x_headers=tuple(account.x_headers),
        monthly_cap=account.monthly_cap,
        test_mode=account.test_mode,
        track_opens=account.track_opens,
        track_links=account.track_links,
        track_unsubscribes=account.track_unsubscribes,
    )
