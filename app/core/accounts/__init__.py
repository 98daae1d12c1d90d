"""Accounts, their API keys and X-header names. Owns the tables `accounts` and `api_keys`."""

from app.core.accounts.adopting import adopt, adopt_key
from app.core.accounts.caller import Caller
from app.core.accounts.keyring import KeyRing
from app.core.accounts.keys import add_key, list_keys, primary_key, revoke_key, rotate_key
from app.core.accounts.listing import emails_sent_this_month, list_below, listed, scope_ids
from app.core.accounts.passwords import PasswordHash, hash_password
from app.core.accounts.service import (
    change,
    create_first,
    create_master,
    create_sub,
    delete_sub,
    find_below,
    find_by_username,
    get,
    log_in,
    touch,
)
from app.core.accounts.values import Changes, Listed, Opened
from app.core.accounts.x_headers import set_x_headers, x_header_names
from app.models.account import Account, AccountStatus, Role
from app.models.api_key import ApiKey, Scope

__all__ = [
    "Account",
    "AccountStatus",
    "ApiKey",
    "Caller",
    "Changes",
    "KeyRing",
    "Listed",
    "Opened",
    "PasswordHash",
    "Role",
    "Scope",
    "add_key",
    "adopt",
    "adopt_key",
    "change",
    "create_first",
    "create_master",
    "create_sub",
    "delete_sub",
    "emails_sent_this_month",
    "find_below",
    "find_by_username",
    "get",
    "hash_password",
    "list_below",
    "list_keys",
    "listed",
    "log_in",
    "primary_key",
    "revoke_key",
    "rotate_key",
    "scope_ids",
    "set_x_headers",
    "touch",
    "x_header_names",
]
