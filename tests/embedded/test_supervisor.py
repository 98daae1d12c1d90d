import io
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from app.embedded.errors import EmbeddedError
from app.embedded.output import Console
from app.embedded.part import Part
from app.embedded.supervisor import Supervisor


@pytest.fixture
def target() -> io.BytesIO:
    return io.BytesIO()


@pytest.fixture
def console(target: io.BytesIO) -> Iterator[Console]:
    console = Console(target, colour=False)
    yield console
    console.close()


def part(console: Console, name: str, code: str) -> Part:
    return Part([sys.executable, "-S", "-c", code], {"PYTHONUNBUFFERED": "1"}, console.channel(name))


SLEEPS = "import time; time.sleep(60)"


def test_a_crashed_child_is_started_again(console: Console, target: io.BytesIO) -> None:
    with Supervisor(console) as supervisor:
        supervisor.start("api", part(console, "api", SLEEPS), stage=0)
        first = supervisor.pid("api")
        assert first is not None
        os.kill(first, signal.SIGKILL)
        restarted: list[bool] = []

        def stop() -> None:
            restarted.append(True)
            os.kill(os.getpid(), signal.SIGTERM)

        assert supervisor.watch(stop) == "SIGTERM"
        assert supervisor.pid("api") not in {None, first}
    assert restarted
    said = target.getvalue().decode()
    assert "api was ended by SIGKILL; starting it again in 0.5 s" in said
    assert "api runs again as process" in said


def test_a_child_that_cannot_start_ends_the_start(console: Console) -> None:
    with Supervisor(console) as supervisor:
        supervisor.start("api", part(console, "api", "raise SystemExit(3)"), stage=0)
        with pytest.raises(EmbeddedError, match="api does not start"):
            supervisor.wait_for(lambda: False, 30)


def test_higher_stages_stop_first_and_force_comes_last(target: io.BytesIO, monkeypatch: pytest.MonkeyPatch) -> None:
    console = Console(target, colour=False)
    monkeypatch.setattr("app.embedded.supervisor.STOP_SECONDS", 2.0)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up')\nwhile True: signal.pause()"
    ends = "import signal, sys; signal.signal(15, lambda *_: sys.exit(print('ended'))); print('up'); signal.pause()"
    with Supervisor(console) as supervisor:
        for name, code, stage in (("lower", ends, 0), ("deaf", deaf, 1), ("upper", ends, 2)):
            supervisor.start(name, part(console, name, code), stage=stage)
        assert supervisor.wait_for(lambda: target.getvalue().count(b"| up") == 3, 10)
        pids = [supervisor.pid(name) for name in ("lower", "deaf", "upper")]
        began = time.monotonic()
    assert time.monotonic() - began < 4
    for pid in pids:
        assert pid is not None
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    console.close()
    said = target.getvalue().decode()
    assert "deaf did not stop in time" in said
    assert said.index("upper      | ended") < said.index("deaf did not stop") < said.index("lower      | ended")


def test_a_signal_while_starting_stops_what_runs(console: Console) -> None:
    child = part(console, "api", SLEEPS)

    def interrupted() -> None:
        with Supervisor(console) as supervisor:
            supervisor.start("api", child, stage=0)
            os.kill(os.getpid(), signal.SIGINT)
            supervisor.wait_for(lambda: False, 5)

    with pytest.raises(KeyboardInterrupt, match="SIGINT"):
        interrupted()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)


def test_lines_stay_whole(target: io.BytesIO) -> None:
    console = Console(target, colour=False)
    writers = [console.channel(name) for name in ("api", "worker")]

    def write(descriptor: int, letter: bytes) -> None:
        for _ in range(200):
            os.write(descriptor, letter * 50)
            os.write(descriptor, letter * 50 + b"\n")

    threads = [threading.Thread(target=write, args=pair) for pair in zip(writers, (b"a", b"w"), strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    os.write(writers[0], b"without an end")
    console.close()
    lines = target.getvalue().decode().splitlines()
    assert lines.count("api        | " + "a" * 100) == 200
    assert lines.count("worker     | " + "w" * 100) == 200
    assert lines[-1] == "api        | without an end"
