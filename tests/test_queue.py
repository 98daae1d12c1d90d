"""Publishing: never in the way, equal nudges once, and Valkey away is no error."""

import json
import threading
import time
from dataclasses import dataclass
from typing import ClassVar

import pytest
import redis
from kombu import Connection

from app.core.jobs import DrainQueue, MakePartitions
from app.queue import JobQueue, queue_of
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Numbered:
    """A job with an argument."""

    name: ClassVar[str] = "housekeeping.numbered"
    number: int


def test_delivery_processes_take_the_names_of_their_own() -> None:
    assert queue_of("delivery.drain") == "delivery"
    assert queue_of("housekeeping.make_partitions") == "default"


@pytest.fixture
def own_broker(settings: Settings) -> Settings:
    """Settings with a database of Valkey that no other test nudges."""
    server = settings.broker_url.partition("?")[0]
    with redis.Redis.from_url(server.replace("redis+socket", "unix") + "?db=61") as client:
        client.flushdb()
    return settings.model_copy(update={"broker_url": f"{server}?virtual_host=61"})


def taken(settings: Settings, queue: str, count: int) -> list[tuple[str, dict[str, object]]]:
    """Take so many messages from a queue: their task and arguments."""
    found = []
    with Connection(settings.broker_url) as connection, connection.SimpleQueue(queue) as waiting:
        for _ in range(count):
            message = waiting.get(timeout=10)
            found.append((message.headers["task"], json.loads(message.body or "")[1]))
            message.ack()
        with pytest.raises(waiting.Empty):
            waiting.get(block=False)
    return found


def test_jobs_arrive_by_name_with_their_arguments_and_equal_ones_once(own_broker: Settings) -> None:
    queue = JobQueue(own_broker)
    queue.publish([DrainQueue(), Numbered(1), DrainQueue(), Numbered(2), MakePartitions()])
    queue.start()
    queue.close()
    assert taken(own_broker, "delivery", 1) == [("delivery.drain", {})]
    assert taken(own_broker, "default", 3) == [
        ("housekeeping.numbered", {"number": 1}),
        ("housekeeping.numbered", {"number": 2}),
        ("housekeeping.make_partitions", {}),
    ]
    assert queue.failed == 0


def test_without_a_broker_nothing_blocks_or_raises(settings: Settings) -> None:
    failures = threading.Event()
    queue = JobQueue(settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"}), failures.set)
    queue.start()
    before = time.monotonic()
    for number in range(1000):
        queue.publish([Numbered(number)])
    assert time.monotonic() - before < 1, "publishing must not wait for the broker"
    assert failures.wait(10)
    queue.close()
    assert queue.failed > 0


def test_redis_is_really_asked(broker_url: str) -> None:
    """The broker of the tests is a real server; this fails when it is not."""
    client = redis.Redis.from_url(broker_url.partition("?")[0].replace("redis+socket", "unix"))
    assert client.ping()
    client.close()
