"""A fast SMTP server in a process of its own, which notes every mail it has taken in a file others read meanwhile.

    python -m bench.recording_sink FILE --mark "Subject: " --latency-ms 4 --defer 0.05 --defer-times 1

The first line of its output is the port. SIGTERM ends it. A mail is in the file (`bench.record`) before its 250 leaves,
and stays there whoever is killed.
"""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

import uvloop

from bench.record import Writer
from bench.recording_session import Manner, Server, Session


async def serve(path: Path, manner: Manner) -> None:
    """Serve until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    shared = Server(Writer(path), manner)
    server = await loop.create_server(lambda: Session(shared), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="recording_sink", description="See the head of this module.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--slow-ms", type=float, default=0.0)
    parser.add_argument("--slow", type=float, default=1.0, metavar="SHARE")
    parser.add_argument("--defer", type=float, default=0.0, metavar="SHARE")
    parser.add_argument("--defer-times", type=int, default=1, metavar="N", help="0: always")
    parser.add_argument("--mark", action="append", default=[], metavar="TEXT")
    given = parser.parse_args()
    manner = Manner(
        latency=given.latency_ms / 1000,
        slow=given.slow_ms / 1000,
        slow_share=given.slow,
        defer_share=given.defer,
        defer_times=given.defer_times,
        marks=tuple(mark.encode() for mark in given.mark),
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(given.file, manner))


if __name__ == "__main__":
    main()
