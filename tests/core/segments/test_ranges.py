"""What several conditions about one number ask for, beside each of them asked alone."""

from decimal import Decimal
from typing import Any

from asyncpg import Range
from hypothesis import given
from hypothesis import strategies as st

from app.core.segments import Condition, Kind
from app.core.segments.ranges import Sought, sought

NUMBERS = st.integers(-3, 3)
SIGNS: dict[str, Any] = {
    "equals": lambda have, asked: have == asked,
    "not_equals": lambda have, asked: have != asked,
    "lt": lambda have, asked: have < asked,
    "lte": lambda have, asked: have <= asked,
    "gt": lambda have, asked: have > asked,
    "gte": lambda have, asked: have >= asked,
}
SINGLES = st.builds(
    lambda op, asked: Condition("field", op, Kind.NUMBER, value=str(asked), name="AGE"),
    st.sampled_from(list(SIGNS)),
    NUMBERS,
)
SPANS = st.builds(
    lambda low, high: Condition("field", "between", Kind.NUMBER, value=(str(low), str(high)), name="AGE"),
    NUMBERS,
    NUMBERS,
)


def is_in(have: int, span: Range[Any]) -> bool:
    above = span.lower is None or have > span.lower or (span.lower_inc and have == span.lower)
    return above and (span.upper is None or have < span.upper or (span.upper_inc and have == span.upper))


def meets(have: int | None, wanted: Sought) -> bool:
    if have is None:
        return wanted.absent
    return any(is_in(have, span) for span in wanted.ranges) == wanted.within


def alone(have: int | None, one: Condition) -> bool:
    if have is None:
        return one.op == "not_equals"
    if isinstance(one.value, tuple):
        return Decimal(one.value[0]) <= have <= Decimal(one.value[1])
    return bool(SIGNS[one.op](have, Decimal(str(one.value))))


@given(st.lists(SINGLES | SPANS, min_size=1, max_size=5), st.booleans())
def test_together_they_ask_for_what_each_asks_for(conditions: list[Condition], together: bool) -> None:
    wanted = sought(conditions, together=together)
    for have in (None, *range(-5, 6)):
        expected = (all if together else any)(alone(have, one) for one in conditions)
        assert meets(have, wanted) == expected, have
