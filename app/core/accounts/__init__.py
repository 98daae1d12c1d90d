"""Accounts, their API keys and X-header names. Owns the tables `accounts` and `api_keys`."""

from app.core.accounts.acting import act_for
from app.core.accounts.adopting import adopt, adopt_key
from app.core.accounts.caller import Caller
from app.core.accounts.keyring import KeyRing
from app.core.accounts.keys import add_key, get_key, list_keys, primary_key, rename_key, revoke_key, rotate_key
from app.core.accounts.listing import emails_sent_this_month, list_below, listed, public_ids, scope_ids
from app.core.accounts.logins import LogIns
from app.core.accounts.paging import AccountSearch, accounts_below, count_below
from app.core.accounts.passwords import PasswordHash, hash_password
from app.core.accounts.service import (
    change,
    create_first,
    create_master,
    create_sub,
    delete,
    delete_sub,
    find_below,
    find_by_username,
    get,
    log_in,
    set_role,
    touch,
)
from app.core.accounts.values import Alterations, Changes, Listed, Opened
from app.core.accounts.x_headers import set_x_headers, x_header_names
from app.core.accounts.zones import read_zone, zone_of_offset
from app.models.account import Account, AccountStatus, Role
from app.models.api_key import ApiKey, Scope

__all__ = [
    "Account",
    "AccountSearch",
    "AccountStatus",
    "Alterations",
    "ApiKey",
    "Caller",
    "Changes",
    "KeyRing",
    "Listed",
    "LogIns",
    "Opened",
    "PasswordHash",
    "Role",
    "Scope",
    "accounts_below",
    "act_for",
    "add_key",
    "adopt",
    "adopt_key",
    "change",
    "count_below",
    "create_first",
    "create_master",
    "create_sub",
    "delete",
    "delete_sub",
    "emails_sent_this_month",
    "find_below",
    "find_by_username",
    "get",
    "get_key",
    "hash_password",
    "list_below",
    "list_keys",
    "listed",
    "log_in",
    "primary_key",
    "public_ids",
    "read_zone",
    "rename_key",
    "revoke_key",
    "rotate_key",
    "scope_ids",
    "set_role",
    "set_x_headers",
    "touch",
    "x_header_names",
    "zone_of_offset",
]
