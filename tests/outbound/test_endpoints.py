"""Room for calls: what does not answer gets less and less of it, and takes nothing from the others."""

from app.outbound import Ended, Endpoints
from app.outbound.endpoints import FIRST_ROOM, LONGEST_PAUSE_SECONDS, MOST_ENDPOINTS, MOST_ROOM


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def run(endpoints: Endpoints, name: str, how: Ended) -> None:
    endpoints.began(name)
    endpoints.ended(name, how)


def test_answers_earn_room_up_to_a_limit() -> None:
    endpoints = Endpoints(1000)
    assert endpoints.plan(["a"], 1000) == {"a": FIRST_ROOM}
    for _ in range(100):
        run(endpoints, "a", Ended.ANSWERED)
    assert endpoints.plan(["a"], 1000) == {"a": MOST_ROOM}


def test_open_calls_take_room() -> None:
    endpoints = Endpoints(1000)
    for _ in range(FIRST_ROOM - 1):
        endpoints.began("a")
    assert endpoints.plan(["a"], 1000) == {"a": 1}
    endpoints.began("a")
    assert endpoints.plan(["a"], 1000) == {}


def test_time_outs_take_room_and_then_bring_longer_and_longer_pauses() -> None:
    clock = Clock()
    endpoints = Endpoints(1000, clock)
    rooms, pauses = [], []
    for _ in range(12):
        run(endpoints, "a", Ended.TIMED_OUT)
        paused = 0.0
        while not (plan := endpoints.plan(["a"], 1000)):
            clock.seconds += 1
            paused += 1
        rooms.append(plan["a"])
        pauses.append(paused)
    assert rooms == [2] + [1] * 11
    assert pauses == [0, 0, 2, 4, 8, 16, 32, *[LONGEST_PAUSE_SECONDS] * 5]
    assert endpoints.failing() == ["a"]
    run(endpoints, "a", Ended.ANSWERED)
    assert endpoints.plan(["a"], 1000) == {"a": 2}
    assert endpoints.failing() == []


def test_slow_answers_keep_an_endpoint_small_and_among_the_unproven() -> None:
    endpoints = Endpoints(16)
    for _ in range(20):
        run(endpoints, "a", Ended.ANSWERED)
    run(endpoints, "a", Ended.SLOW)
    assert endpoints.plan(["a"], 1000) == {"a": FIRST_ROOM}
    run(endpoints, "b", Ended.SLOW)
    run(endpoints, "c", Ended.SLOW)
    assert endpoints.plan(["a", "b", "c"], 1000) == {"a": 4, "b": 4}


def test_a_refused_connection_costs_no_room() -> None:
    endpoints = Endpoints(1000)
    for _ in range(10):
        run(endpoints, "a", Ended.FAILED)
    assert endpoints.plan(["a"], 1000) == {"a": FIRST_ROOM}


def test_what_has_not_answered_has_half_of_all_room_between_it() -> None:
    endpoints = Endpoints(40)
    run(endpoints, "good", Ended.ANSWERED)
    unknown = [f"new{number:03}" for number in range(100)]
    plan = endpoints.plan(unknown, 1000)
    assert sum(plan.values()) == 20
    for name, room in plan.items():
        for _ in range(room):
            endpoints.began(name)
    assert endpoints.plan([*unknown, "good"], 1000) == {"good": 5}


def test_an_endpoint_that_stops_answering_moves_its_open_calls_to_the_other_half() -> None:
    endpoints = Endpoints(8)
    for _ in range(8):
        run(endpoints, "a", Ended.ANSWERED)
    for _ in range(5):
        endpoints.began("a")
    endpoints.ended("a", Ended.TIMED_OUT)
    assert endpoints.plan(["b"], 10) == {}, "four open calls of an endpoint without a last answer are half of eight"
    endpoints.ended("a", Ended.ANSWERED)
    assert endpoints.plan(["b"], 10) == {"b": 4}


def test_a_plan_is_as_large_as_it_may_be() -> None:
    endpoints = Endpoints(1000)
    assert endpoints.plan(["a", "b", "c"], 6) == {"a": 4, "b": 2}
    assert endpoints.plan(["a"], 0) == {}


def test_what_is_remembered_is_bounded_and_open_calls_are_not_forgotten() -> None:
    endpoints = Endpoints(10_000)
    endpoints.began("open")
    for number in range(MOST_ENDPOINTS + 10):
        run(endpoints, f"{number}", Ended.ANSWERED)
    endpoints.ended("open", Ended.ANSWERED)
    assert len(endpoints._known) <= MOST_ENDPOINTS
    assert endpoints.in_flight == 0
