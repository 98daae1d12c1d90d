"""`limiting`: limits of requests per second, of Dynosend and the native API, asked of four processes by one account.

Each window must let through exactly as many as the setting says: every number of requests that are left comes once.
"""

import asyncio
import re
import time
from collections import Counter
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine

from bench.options import Options
from bench.sheet import Sheet
from bench.stand import Stand

PROCESSES = 4
CONNECTIONS = 4
"""Of each process."""
LIMIT = 10
PATHS = {"dynosend": "/api/v2/audiences", "native": "/api/trireme/v1/audiences"}
_STATUS = re.compile(rb"HTTP/1.1 (\d+)")
_LEFT = re.compile(rb"\r\n(?:x-)?ratelimit-remaining: (\d+)\r\n", re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet(f"limiting: {LIMIT} requests a second and account, {PROCESSES} API processes, all asked at once")
    with Stand() as stand:
        stand.values |= {f"limits.{family}_per_second": LIMIT for family in PATHS}
        ports = [stand.api()[1] for _ in range(PROCESSES)]
        for _ in range(options.runs):
            for family, path in PATHS.items():
                work = partial(_ask_all, ports, path, stand.key, options.seconds)
                seconds, passed, refused = stand.run(work)
                windows = max(passed.values())
                sheet.add(f"{family}: requests answered", "requests/s", (sum(passed.values()) + refused) / seconds)
                sheet.add(f"{family}: windows", "", windows)
                sheet.add(f"{family}: let through in a window", "", sum(passed.values()) / windows)
                # The last window may have been cut; in no other one may a place be left or be taken twice.
                sheet.add(f"{family}: places taken twice or left over", "", windows * LIMIT - sum(passed.values()))
        sheet.note("the last window of a run may be incomplete, if all its requests were not asked before the end")
    return sheet


async def _ask_all(
    ports: list[int], path: str, key: str, seconds: float, engine: AsyncEngine
) -> tuple[float, Counter[int], int]:
    """Return the time taken, how often each number of places left was answered, and how many were refused."""
    del engine
    await asyncio.sleep(1.1)  # any window of the run before has ended
    began = time.perf_counter()
    until = began + seconds
    found = await asyncio.gather(*(_ask(port, path, key, until) for port in ports * CONNECTIONS))
    passed: Counter[int] = Counter()
    for one, _ in found:
        passed.update(one)
    return time.perf_counter() - began, passed, sum(refused for _, refused in found)


async def _ask(port: int, path: str, key: str, until: float) -> tuple[Counter[int], int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    passed: Counter[int] = Counter()
    refused = 0
    try:
        while time.perf_counter() < until:
            writer.write(request)
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            await reader.readexactly(_number(_LENGTH, head))
            if _number(_STATUS, head) == 200:
                passed[_number(_LEFT, head)] += 1
            else:
                refused += 1
    finally:
        writer.close()
    return passed, refused


def _number(pattern: re.Pattern[bytes], head: bytes) -> int:
    found = pattern.search(head)
    if found is None:
        raise RuntimeError(f"an answer without what it must have: {head!r}")
    return int(found[1])
