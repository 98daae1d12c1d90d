"""Numbers as columns of digits: what stands at one place of all of them is made at once, not number by number.

Imports nothing of the product.
"""

import sys
from array import array
from collections.abc import Sequence
from operator import add
from typing import TypeAlias

import orjson

BLANK = b" "
"""Stands where a number has no digit, in front of it."""
Numbers: TypeAlias = "bytes | array[int]"
"""Numbers, none of them negative: octets where all are below 256."""
_LOWEST, *_OTHERS = range(4) if sys.byteorder == "little" else reversed(range(4))
_ONES, _TENS, _HUNDREDS = (
    b"".join(b"%d" % (number // unit % 10) if number >= unit or unit == 1 else BLANK for number in range(256))
    for unit in (1, 10, 100)
)
"""What each octet has there."""
_FULL = 10
"""Digits that four octets may have no room for."""
_IS_ZERO = bytes(octet == ord("0") for octet in range(256))
_ZERO_TO_BLANK = ord("0") - ord(BLANK)


def together(columns: "Sequence[memoryview[int]]") -> "array[int]":
    """Return columns of one type behind each other."""
    return array(columns[0].format, b"".join(columns))


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
        return (_long(one) + _long(other)).to_bytes(len(one), sys.byteorder)
    return array("q", map(add, one, other))


def digits(numbers: Numbers) -> list[bytes]:
    """Return ones, then tens and so on, as many as the greatest of some numbers has: of all numbers a character."""
    if isinstance(numbers, bytes):
        blank = BLANK * len(numbers)
        ones, tens = numbers.translate(_ONES), numbers.translate(_TENS)
        if tens == blank:
            return [ones]
        hundreds = numbers.translate(_HUNDREDS)
        return [ones, tens] if hundreds == blank else [ones, tens, hundreds]
    # With a one in front all have as many digits. Then zeros before the first other digit are made blanks, of all
    # numbers at once: leading has a one where only zeros came so far.
    width = len(str(max(numbers)))
    wide = numbers if width < _FULL else array("q", numbers)
    both = _long(wide) + _long(array(wide.typecode, [10**width]) * len(wide))
    text = orjson.dumps(array(wide.typecode, both.to_bytes(len(wide) * wide.itemsize, sys.byteorder)).tolist())
    leading = int.from_bytes(b"\1" * len(wide))
    columns = []
    for place in range(2, width + 2):
        column = text[place :: width + 2]
        if place < width + 1:
            leading &= int.from_bytes(column.translate(_IS_ZERO))
            column = (int.from_bytes(column) - leading * _ZERO_TO_BLANK).to_bytes(len(wide))
        columns.append(column)
    return columns[::-1]


def _long(numbers: "bytes | array[int]") -> int:
    """Return a column as one number: so two are added, as long as nothing is carried from one of theirs to the next."""
    return int.from_bytes(numbers, sys.byteorder)
