"""Identifiers."""

import re
import time
from uuid import RFC_4122

from app.kit.ids import new_api_key, uuid7


def test_an_api_key_is_32_lower_case_hexadecimal_digits() -> None:
    keys = {new_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_a_uuid7_says_its_version_and_time() -> None:
    before = time.time_ns() // 1_000_000
    made = [uuid7() for _ in range(100)]
    after = time.time_ns() // 1_000_000
    assert {(one.version, one.variant) for one in made} == {(7, RFC_4122)}
    assert all(before <= one.int >> 80 <= after for one in made)
    assert len(set(made)) == 100
