"""Numbers as columns of digits: what stands at one place of all of them is made at once, not number by number.

Imports nothing of the product.
"""

import sys
from array import array
from collections.abc import Sequence
from operator import add
from typing import TypeAlias

BLANK = b" "
"""Stands where a number has no digit, in front of it."""
Numbers: TypeAlias = "bytes | Sequence[int]"
"""Numbers, none of them negative: octets where all are below 256."""
_LOWEST, *_OTHERS = range(4) if sys.byteorder == "little" else reversed(range(4))
_ONES, _TENS, _HUNDREDS = (
    b"".join(b"%d" % (number // unit % 10) if number >= unit or unit == 1 else BLANK for number in range(256))
    for unit in (1, 10, 100)
)
"""What each octet has there."""


def together(columns: "Sequence[array[int]]") -> "array[int]":
    """Return columns of one type behind each other."""
    return array(columns[0].typecode, b"".join(columns))


def narrow(numbers: "array[int]") -> Numbers:
    """Return numbers of four octets as one octet each where all are below 256, else as they are."""
    octets, none = numbers.tobytes(), bytes(len(numbers))
    for at in _OTHERS:
        if octets[at::4] != none:
            return numbers
    return octets[_LOWEST::4]


def summed(one: Numbers, other: Numbers) -> Numbers:
    """Return the sums of two columns of one length."""
    if isinstance(one, bytes) and isinstance(other, bytes) and one.isascii() and other.isascii():
        # Nothing is carried from one octet to the next, so these are two long numbers.
        both = int.from_bytes(one, "little") + int.from_bytes(other, "little")
        return both.to_bytes(len(one), "little")
    return list(map(add, one, other))


def digits(numbers: Numbers) -> list[bytes]:
    """Return ones, then tens and so on, as many as the greatest of some numbers has: of all numbers a character."""
    if isinstance(numbers, bytes):
        blank = BLANK * len(numbers)
        ones, tens = numbers.translate(_ONES), numbers.translate(_TENS)
        if tens == blank:
            return [ones]
        hundreds = numbers.translate(_HUNDREDS)
        return [ones, tens] if hundreds == blank else [ones, tens, hundreds]
    width = len(str(max(numbers)))
    text = (f"%{width}d" * len(numbers) % tuple(numbers)).encode()
    return [text[at::width] for at in reversed(range(width))]
