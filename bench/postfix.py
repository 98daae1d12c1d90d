"""smtp-source and smtp-sink, the test tools of Postfix, where they are installed."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from app.embedded import child
from app.kit.ports import free_port, is_answering
from app.settings import environment
from bench.processes import wait_until

SESSIONS = 10
START_SECONDS = 10.0
SEND_SECONDS = 600.0


def is_installed() -> bool:
    """Tell whether both are found."""
    return None not in {shutil.which("smtp-source"), shutil.which("smtp-sink")}


@contextmanager
def smtp_sink() -> Iterator[int]:
    """Run smtp-sink; lend its port."""
    port = free_port()
    user = ["-u", "nobody"] if os.geteuid() == 0 else []  # it does not run as root
    command = [_path("smtp-sink"), *user, f"127.0.0.1:{port}", "1000"]
    process = child.spawn(command, output=None, variables=environment())
    try:
        wait_until("smtp-sink", lambda: is_answering("127.0.0.1", port), START_SECONDS)
        yield port
    finally:
        child.stop(process, signal.SIGTERM, START_SECONDS)


def smtp_source(port: int, mails: int, size: int) -> float:
    """Send so many mails of so many octets over kept connections; return mails a second."""
    options = ["-d", "-s", str(SESSIONS), "-l", str(size), "-m", str(mails)]
    began = time.perf_counter()
    subprocess.run([_path("smtp-source"), *options, f"127.0.0.1:{port}"], check=True, timeout=SEND_SECONDS)
    return mails / (time.perf_counter() - began)


def _path(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed"
    return found
