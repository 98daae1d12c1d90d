"""The classic words for failures: the rule of a bounce, told by its category, and what a blocked copy counts as.

The table is the section `classic` of `classify.toml`, the one that `app.mail.classify` judges by. Imports the standard
library only.

Source: docs/contract/dyn-email.md, 11.3, 15.3 and 17.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

BAD_SYNTAX = "invalidemail"
"""The rule of `bad-mailbox` with the code x.1.3."""
UNKNOWN = "remoteconfigerror"
"""The rule of what nobody understood, and of categories that are not in the table."""


BLOCKED_RULE = "blockedcontent"
"""The rule of a copy that was blocked because its recipient is suppressed."""
BLOCKED_CODE = "5.7.0"
"""The code of such a copy."""


def _load() -> Mapping[str, str]:
    data = tomllib.loads((Path(__file__).parent / "classify.toml").read_text("utf-8"))
    classic: dict[str, str] = data["classic"]
    return MappingProxyType(classic)


BOUNCE_RULES: Mapping[str, str] = _load()
"""Category, such as `bad-mailbox`, to classic rule, such as `emaildoesntexist`."""


def bounce_rule(category: str, code: str) -> str:
    """Return the classic rule of a bounce, such as `emaildoesntexist`.

    Args:
        category: One of the words of 15.1.
        code: Its enhanced status code, such as `5.1.1`.
    """
    if category == "bad-mailbox" and code.endswith(".1.3"):
        return BAD_SYNTAX
    return BOUNCE_RULES.get(category, UNKNOWN)


def blocked_type(reason: str) -> str:
    """Return the bounce type of a blocked copy.

    Args:
        reason: Of the suppression, such as `hardbounce`.
    """
    match reason:
        case "hardbounce":
            return "previouslyhardbounced"
        case "complaint":
            return "previouslycomplained"
        case _:
            return "suppressed"


def blocked_text(reason: str) -> str:
    """Return what stands for the other server's words when a copy was blocked for this reason."""
    return f"recipient is suppressed: {reason}"
