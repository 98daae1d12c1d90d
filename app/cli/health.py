"""Whether a part answers, asked from its own container: the health check of the image. Imports `app.settings`."""

import http.client
import json
import socket
import sys
from collections.abc import Callable

from app.cli.configuration import NotConfigured, load
from app.settings import Settings

READY = "/api/trireme/v1/system/ready"
TIMEOUT_SECONDS = 4.0
"""For each step of a question; a health check that hangs tells nothing."""
LONGEST_ANSWER = 64 * 1024
ANYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def run(part: str) -> int:
    """Ask the part of this machine and return the exit status: 0 it does its work, 1 it does not (with a line why)."""
    try:
        wrong = CHECKS[part](load())
    except NotConfigured as error:
        wrong = str(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        wrong = f"{part} does not answer: {error}"
    if wrong:
        print(wrong, file=sys.stderr)
    return 1 if wrong else 0


def _api(settings: Settings) -> str:
    """Return what is wrong with the API; empty when it is ready."""
    host = ANYWHERE.get(settings.api.host, settings.api.host)
    connection = http.client.HTTPConnection(host, settings.api.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", READY)
        answer = connection.getresponse()
        body = answer.read(LONGEST_ANSWER)
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"api is not ready: {json.loads(body).get('checks')}"


def _sandbox(settings: Settings) -> str:
    return _greets("sandbox", settings.sandbox.host, settings.sandbox.port)


def _intake(settings: Settings) -> str:
    return _greets("intake", settings.intake.host, settings.intake.port)


def _submission(settings: Settings) -> str:
    return _greets("submission", settings.smtp.host, settings.smtp.port)


def _greets(part: str, host: str, port: int) -> str:
    """Return what is wrong with an SMTP listener; empty when it greets."""
    with socket.create_connection((ANYWHERE.get(host, host), port), timeout=TIMEOUT_SECONDS) as connection:
        greeting = connection.makefile("rb").readline(1000)
        connection.sendall(b"QUIT\r\n")
    return "" if greeting.startswith(b"220") else f"{part} said {greeting!r}"


CHECKS: dict[str, Callable[[Settings], str]] = {
    "api": _api,
    "sandbox": _sandbox,
    "intake": _intake,
    "submission": _submission,
}
"""The parts that can be asked."""
