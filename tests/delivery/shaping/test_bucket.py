"""The bucket: never more than rate * t + capacity in any window, whatever is asked when."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.shaping.bucket import BURST_SECONDS, Bucket

steps = st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60)


@given(rate=st.floats(0.05, 200.0), waits=steps)
def test_no_window_holds_more_than_rate_and_burst(rate: float, waits: list[float]) -> None:
    now, begun = 0.0, []
    bucket = Bucket(rate, now)
    for wait in waits:
        now += wait
        for _ in range(200):
            if bucket.delay(now) > 0:
                break
            bucket.begin(now)
            begun.append(now)
    for first, start in enumerate(begun):
        for last in range(first, len(begun)):
            assert last - first + 1 <= rate * (begun[last] - start) + 1 + rate * BURST_SECONDS + 1e-6


@given(rates=st.lists(st.floats(0.0, 50.0), min_size=1, max_size=40), wait=st.floats(0.0, 1.0))
def test_changing_the_rate_makes_nothing_out_of_nothing(rates: list[float], wait: float) -> None:
    now, begun, made = 0.0, 0, 0.0
    bucket = Bucket(rates[0], now)
    for rate in rates:
        bucket.change(rate, now)
        now += wait
        made += rate * wait
        for _ in range(100):
            if bucket.delay(now) > 0:
                break
            bucket.begin(now)
            begun += 1
    assert begun <= made + 1 + 1e-6


@given(rate=st.floats(0.05, 200.0), used=st.integers(1, 50))
def test_the_delay_is_true(rate: float, used: int) -> None:
    now = 5.0
    bucket = Bucket(rate, now)
    for _ in range(used):
        now += bucket.delay(now)
        assert bucket.delay(now) == pytest.approx(0.0, abs=1e-6)
        bucket.begin(now)
    most = 1 + rate * BURST_SECONDS
    assert now - 5.0 >= (used - most) / rate - 1e-6


def test_without_a_rate_nothing_comes() -> None:
    bucket = Bucket(0.0, 0.0, tokens=0.0)
    assert bucket.delay(1e9) == math.inf
    bucket.change(2.0, 10.0)
    assert bucket.delay(10.0) == pytest.approx(0.5)


def test_refilling_keeps_a_debt() -> None:
    bucket = Bucket(1.0, 0.0)
    for _ in range(3):
        bucket.begin(0.0)
    bucket.refill(1.0, 0.0)
    assert bucket.delay(0.0) == pytest.approx(2.0)
