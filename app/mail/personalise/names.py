"""The names every content may use, whatever its audience.

Source: docs/contract/dynosend.md, section 13.
"""

from collections.abc import Iterable

URLS = frozenset({"UNSUBSCRIBE_URL", "UPDATE_PROFILE_URL", "WEB_VIEW_URL", "SUBSCRIBE_CONFIRM_URL"})
"""Signed links, another one for each copy."""
DATES = frozenset({"CURRENT_YEAR", "CURRENT_MONTH", "CURRENT_DAY"})
"""Numbers of the date of sending in UTC."""
STANDARD = (
    frozenset({"EMAIL", "SUBSCRIBER_EMAIL", "SUBSCRIBER_UID", "CONTACT_UID", "NAME", "FULL_NAME"})
    | URLS
    | DATES
    | frozenset(f"LIST_{name}" for name in ("UID", "NAME", "FROM_NAME", "FROM_EMAIL"))
    | frozenset(f"CAMPAIGN_{name}" for name in ("UID", "NAME", "SUBJECT", "FROM_EMAIL", "FROM_NAME", "REPLY_TO"))
    | frozenset(
        f"CONTACT_{name}"
        for name in (
            *("NAME", "ADDRESS_1", "ADDRESS_2", "CITY", "STATE"),
            *("ZIP", "COUNTRY", "PHONE", "EMAIL", "URL"),
        )
    )
)
"""The table of the contract without the contact's own fields."""


def known_names(fields: Iterable[str], extra: Iterable[str] = ()) -> frozenset[str]:
    """Return every name that `{NAME}` stands for.

    Args:
        fields: Tags of the audience's fields, upper case; each is known as `SUBSCRIBER_<FIELD>` too.
        extra: Further names, e.g. of custom tags, upper case.
    """
    own = frozenset(fields)
    return STANDARD | own | {f"SUBSCRIBER_{name}" for name in own} | frozenset(extra)
