"""Public names that follow from a row's number, so that no table stores them and no index finds them.

A uid is 13 hexadecimal digits (docs/contract/dynosend.md, 5), a UUID one of version 8 (RFC 9562, 5.8). Both are
scrambled, so that numbers of neighbours look unlike and the same number gives other names for other nouns; they are
no secret and grant nothing. The constants below may never change: clients keep these names.
Imports the standard library alone.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from hashlib import blake2b
from uuid import UUID

UID_BITS = 52
MAX_NUMBER = (1 << UID_BITS) - 1
"""Largest number that has a name; the least is 1."""

_HALF = UID_BITS // 2
_CHECK_BITS = 70
"""What a UUID has left beside the number: 128 bits, less six of version and variant."""
_CHECK_MASK = (1 << _CHECK_BITS) - 1
_UID = re.compile(r"[0-9a-f]{13}\Z")
_RFC_9562 = 0b10
_VERSION = 8


class Noun(StrEnum):
    """What is named. The values are part of every name: a changed one renames all its rows."""

    AUDIENCE = "audience"
    AUDIT_ENTRY = "audit_entry"
    AUTOMATION = "automation"
    AUTOMATION_RUN = "automation_run"
    CAMPAIGN = "campaign"
    CONTACT = "contact"
    DELIVERY = "delivery"
    EVENT = "event"
    FIELD = "field"
    JOB = "job"
    RUN = "run"
    SEGMENT = "segment"
    SENDER = "sender"
    TEMPLATE = "template"
    TRANSACTIONAL = "transactional"
    WEBHOOK = "webhook"


@dataclass(frozen=True, slots=True)
class _Scramble:
    """A bijection of 52-bit numbers: multiply by an odd number and add, fold, multiply by an odd number."""

    first: int
    added: int
    second: int
    first_inverse: int
    second_inverse: int
    check: int

    def there(self, number: int) -> int:
        mixed = (number * self.first + self.added) & MAX_NUMBER
        mixed ^= mixed >> _HALF  # the upper half is untouched: doing it again undoes it
        return mixed * self.second & MAX_NUMBER

    def back(self, scrambled: int) -> int:
        mixed = scrambled * self.second_inverse & MAX_NUMBER
        mixed ^= mixed >> _HALF
        return (mixed - self.added) * self.first_inverse & MAX_NUMBER

    def check_of(self, scrambled: int) -> int:
        """Return 70 bits that only our own UUIDs carry beside the number."""
        product = (scrambled ^ self.added) * self.check
        return (product ^ product >> _HALF) & _CHECK_MASK


@cache
def _scramble(noun: Noun) -> _Scramble:
    digest = blake2b(noun.encode(), digest_size=30, person=b"trireme uids").digest()
    first = int.from_bytes(digest[0:7], "big") & MAX_NUMBER | 1
    second = int.from_bytes(digest[7:14], "big") & MAX_NUMBER | 1
    return _Scramble(
        first=first,
        added=int.from_bytes(digest[14:21], "big") & MAX_NUMBER,
        second=second,
        first_inverse=pow(first, -1, 1 << UID_BITS),
        second_inverse=pow(second, -1, 1 << UID_BITS),
        check=int.from_bytes(digest[21:30], "big") | 1,
    )


def uid(noun: Noun, number: int) -> str:
    """Return the uid of a row: 13 lower-case hexadecimal digits.

    Args:
        noun: What it is.
        number: Its id, 1 to `MAX_NUMBER`.

    Raises:
        ValueError: No such number.
    """
    return f"{_scramble(noun).there(_checked(number)):013x}"


def number_of_uid(noun: Noun, text: str) -> int | None:
    """Return the id a uid stands for; None when it is none. A row of that id need not exist.

    Args:
        noun: What it is to be.
        text: Foreign text of any length.
    """
    if not _UID.match(text):
        return None
    return _scramble(noun).back(int(text, 16)) or None


def uuid(noun: Noun, number: int) -> UUID:
    """Return the UUID of a row.

    Args:
        noun: What it is.
        number: Its id, 1 to `MAX_NUMBER`.

    Raises:
        ValueError: No such number.
    """
    scramble = _scramble(noun)
    scrambled = scramble.there(_checked(number))
    check = scramble.check_of(scrambled)
    # 48 bits | version | 12 bits | variant | 62 bits: the number, its last four bits before eight of the check.
    high = (scrambled >> 4) << 16 | _VERSION << 12 | (scrambled & 0xF) << 8 | check >> 62
    return UUID(int=high << 64 | _RFC_9562 << 62 | check & (1 << 62) - 1)


def number_of_uuid(noun: Noun, value: UUID) -> int | None:
    """Return the id a UUID stands for; None when it is not one of ours for this noun."""
    high = value.int >> 64
    scrambled = (high >> 16) << 4 | high >> 8 & 0xF
    number = _scramble(noun).back(scrambled)
    return number if number and uuid(noun, number) == value else None


def number_of(noun: Noun, which: int | str | UUID) -> int | None:
    """Return the id that an id, a uid or a UUID stands for; None when it can be none."""
    if isinstance(which, int):
        return which if 1 <= which <= MAX_NUMBER else None
    return number_of_uid(noun, which) if isinstance(which, str) else number_of_uuid(noun, which)


def _checked(number: int) -> int:
    """Return the number.

    Raises:
        ValueError: It has no name.
    """
    if not 1 <= number <= MAX_NUMBER:
        raise ValueError("a number from 1 to 2**52 - 1 is needed")
    return number
