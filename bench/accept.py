"""`accept`: POST /rest/json/send at 64 kept connections, beside a bare FastAPI endpoint, in turns.

PostgreSQL (durable) and the API run, and nothing else of the product: delivery would take the cores. Accepted copies
stay in the queue.
"""

import json
from pathlib import Path
from urllib.parse import urlencode

from app.kit.ports import free_port, is_answering
from bench.machine import cpu_seconds, wait_until_idle
from bench.options import Options
from bench.processes import Process, results
from bench.sheet import Sheet
from bench.stand import SENDER, Stand

CONNECTIONS = 64
BODY_BYTES = 2048
VARIANTS = 997
"""Different requests, each with a recipient of its own."""


def run(options: Options) -> Sheet:
    """Measure."""
    sheet = Sheet("accept: POST /rest/json/send, 2 KB form body, 64 connections, one API process")
    with Stand() as stand:
        api, port = stand.api()
        bare_port = free_port()
        bare = stand.enter_context(Process("bench.bare", bare_port, log=stand.directory / "bare.log"))
        bare.wait_for(lambda: is_answering("127.0.0.1", bare_port))
        files = _requests(stand)
        wait_until_idle([api.pid, bare.pid])
        for _ in range(options.runs):
            before = cpu_seconds([bare.pid])
            plain = _load(options, bare_port, files["bare"], "250 2.1.0 Ok")
            plain_cpu = (cpu_seconds([bare.pid]) - before) / plain["all"] * 1e6
            health = _load(options, port, files["health"], '"status"')
            _product(options, sheet, stand, api, _Case(port, files["send"], plain["rate"]))
            sheet.add("bare FastAPI endpoint", "requests/s", plain["rate"])
            sheet.add("bare FastAPI endpoint: p50", "ms", plain["p50_ms"])
            sheet.add("bare FastAPI endpoint: p99", "ms", plain["p99_ms"])
            sheet.add("bare FastAPI endpoint: its CPU", "us/request", plain_cpu)
            sheet.add("our /system/health", "requests/s", health["rate"])
            sheet.add("our /system/health: ratio to bare", "", health["rate"] / plain["rate"])
        sheet.note(f"PostgreSQL {stand.postgres_version()}, fsync on; no delivery process runs, copies stay queued")
        sheet.note(f"load generator, API and PostgreSQL share the cores; {options.seconds:g} s a run after warm-up")
    return sheet


class _Case:
    def __init__(self, port: int, requests: Path, plain_rate: float) -> None:
        self.port = port
        self.requests = requests
        self.plain_rate = plain_rate


def _product(options: Options, sheet: Sheet, stand: Stand, api: Process, case: _Case) -> None:
    last = int(stand.value("SELECT max(id) FROM mails"))
    api_before, postgres_before = cpu_seconds([api.pid]), cpu_seconds([stand.postgres.pid])
    sent = _load(options, case.port, case.requests, "250 2.1.0 Ok")
    used, used_by_postgres = cpu_seconds([api.pid]) - api_before, cpu_seconds([stand.postgres.pid]) - postgres_before
    stored = stand.value("SELECT count(*) FROM mails WHERE id > $1", last)
    groups = stand.value("SELECT count(DISTINCT xmin::text) FROM mails WHERE id > $1", last)
    assert stored == sent["all"], f"{sent['all']} answers, {stored:.0f} mails"
    sheet.add("send", "requests/s", sent["rate"])
    sheet.add("send: ratio to bare", "", sent["rate"] / case.plain_rate)
    sheet.add("send: p50", "ms", sent["p50_ms"])
    sheet.add("send: p99", "ms", sent["p99_ms"])
    sheet.add("send: mails per commit", "", stored / groups)
    sheet.add("send: CPU of the API", "us/request", used / sent["all"] * 1e6)
    sheet.add("send: CPU of PostgreSQL", "us/request", used_by_postgres / sent["all"] * 1e6)
    sheet.add("send: CPU of the load generator", "us/request", sent["cpu_seconds"] / sent["all"] * 1e6)


def _load(options: Options, port: int, requests: Path, expected: str) -> dict[str, float]:
    """Run the load generator.

    Raises:
        RuntimeError: An answer was not what it should be.
    """
    command = ["bench.http_load", "--port", port, "--requests", requests, "--expect", expected]
    found = results([[*command, "--connections", CONNECTIONS, "--seconds", options.seconds]])[0]
    if found["wrong"]:
        raise RuntimeError(f"{found['wrong']} of {found['all']} answers were wrong, such as {found['example']}")
    return found


def _requests(stand: Stand) -> dict[str, Path]:
    """Write the requests to files; return them by case."""
    bodies = [_body(stand.key, number) for number in range(VARIANTS)]
    cases = {
        "bare": [_post("/send", body) for body in bodies],
        "send": [_post("/rest/json/send", body) for body in bodies],
        "health": ["GET /api/trireme/v1/system/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
    }
    files = {name: stand.directory / f"{name}.requests" for name in cases}
    for name, requests in cases.items():
        files[name].write_text(json.dumps(requests))
    return files


def _body(key: str, number: int) -> str:
    fields = {
        "apikey": key,
        "from": f"Bench <{SENDER}>",
        "to": f"recipient{number}@example.com",
        "subject": "Your order has been shipped",
        "bodytext": "",
    }
    start = urlencode(fields)
    words = "The+parcel+is+on+its+way+and+arrives+tomorrow%2E%0D%0A"
    return (start + words * (BODY_BYTES // len(words)))[:BODY_BYTES].rstrip("%").ljust(BODY_BYTES, "x")


def _post(path: str, body: str) -> str:
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}"
