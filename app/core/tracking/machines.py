"""Which programs come by themselves, before anybody reads a mail: `machines.toml`. Pure; the standard library alone.

An event of such a program is recorded and counted like any other, and marked.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

_FILE = Path(__file__).with_name("machines.toml")


@dataclass(frozen=True, slots=True)
class Agent:
    """One program.

    Attributes:
        name: What it is called.
        equals: Its whole User-Agent, "" when a part is looked for.
        contains: A part of its User-Agent, "" when the whole is given.
        example: A User-Agent of it.
        is_proxy: Whether it fetches for a reader at the moment of reading, so that it is no machine.
    """

    name: str
    equals: str
    contains: str
    example: str
    is_proxy: bool


@cache
def agents() -> tuple[Agent, ...]:
    """Return the programs that are known."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(
        Agent(row["name"], row.get("equals", ""), row.get("contains", ""), row["example"], is_proxy=kind == "proxy")
        for kind in ("proxy", "agent")
        for row in content[kind]
    )


@lru_cache(maxsize=4096)
def is_machine(user_agent: str) -> bool:
    """Tell whether this is the User-Agent of a program that comes by itself; an unknown one is a reader's."""
    proxies, machines = _patterns()
    return machines.search(user_agent) is not None and proxies.search(user_agent) is None


@cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what finds proxies and what finds machines."""

    def pattern(known: list[Agent]) -> re.Pattern[str]:
        parts = [rf"\A{re.escape(one.equals)}\Z" if one.equals else re.escape(one.contains) for one in known]
        return re.compile("|".join(parts), re.IGNORECASE)

    return pattern([one for one in agents() if one.is_proxy]), pattern([one for one in agents() if not one.is_proxy])
