"""`python -m tests`: every check of the project, the fastest first; `make test` runs it.

With arguments only pytest runs, with these arguments. Ends with pytest's summary, and with its status or that of the
first step that failed; leaves no process behind.
"""

# ruff: noqa: TID251, T201 this is a command that hands addresses to its children
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from app.embedded.child import kill_session, spawn
from app.settings import as_environment
from tests.fixtures.servers import DATABASE_VARIABLE, running_servers

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STEP_SECONDS = 2700
WORKERS = max(2, os.cpu_count() or 2)
NO_TESTS = 5
"""pytest's status when nothing was selected."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CODE = ["app", "workers", "migrations", "tests", "bench"]


def python(*arguments: str) -> list[str]:
    """Return a command line of this very Python."""
    return [sys.executable, "-m", *arguments]


def run(name: str, *commands: list[str]) -> int:
    """Run the commands of one step, print its time, and return the first status that is not 0."""
    print(f"\n--- {name}", flush=True)
    started = time.monotonic()
    status = next((status for command in commands if (status := execute(command))), 0)
    word = "ok" if status == 0 else f"FAILED ({status})"
    print(f"--- {name}: {word}, {time.monotonic() - started:.1f} s", flush=True)
    return status


def execute(command: list[str]) -> int:
    """Run one command in a session of its own, and leave nothing of that session."""
    # Compiled modules: the tests start the product's processes many times.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = spawn(command, output=sys.stdout.fileno(), variables=variables)
    try:
        return process.wait(STEP_SECONDS)
    except subprocess.TimeoutExpired:
        return 124
    finally:
        finish(process)


def finish(process: subprocess.Popen[bytes]) -> None:
    """End a step that is still running: pytest gets a moment to stop what its tests have started."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
    kill_session(process)
    process.wait()


def static_checks() -> int:
    """Check format, lint, types and import contracts."""
    folders = [name for name in CODE if (ROOT / name).is_dir()]
    return (
        run("format", [str(BIN / "ruff"), "format", "--check", "--quiet", *folders])
        or run("lint", [str(BIN / "ruff"), "check", "--quiet", *folders])
        or run("types", python("mypy"))
        or run("import contracts", [str(BIN / "lint-imports"), "--no-cache"])
    )


def migrations() -> int:
    """Check that the migrations make the tables of the models, on the run's server."""
    values = {
        "public_url": "http://127.0.0.1",
        "secret_keys": "0" * 32,
        "bounce_domain": "bounces.localhost.test",
        "database_url": os.environ[DATABASE_VARIABLE],
        "broker_url": "redis://127.0.0.1:1/0",
    }
    os.environ.update(as_environment(values))
    try:
        return run("migrations = models", python("alembic", "upgrade", "head"), python("alembic", "check"))
    finally:
        for name in as_environment(values):
            del os.environ[name]


def tests() -> int:
    """Run most tests, then those that start and kill the product; pytest's own summary closes each step."""
    print("\n--- tests", flush=True)
    if status := execute(python("pytest", "-n", str(WORKERS), "--dist", "worksteal", "-m", "not serial")):
        return status
    print("\n--- tests of whole processes", flush=True)
    # They start up to ten processes and wait for them: one keeps a machine busy half of the time, three are too many.
    side_by_side = ["-n", "2", "-p", "tests.e2e.side_by_side"]
    status = execute(python("pytest", *side_by_side, "-m", "serial", *serial_files()))
    return 0 if status == NO_TESTS else status


def serial_files() -> list[str]:
    """Return the files with tests that are marked so; to import all the others takes longer than many of these tests."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return [str(file.relative_to(ROOT)) for file in files if "mark.serial" in file.read_text(encoding="utf-8")]


def interrupt(number: int, frame: FrameType | None) -> None:
    """Turn the first signal into an exception, so that everything is stopped on the way out, undisturbed by a second."""
    del frame
    for other in SIGNALS:
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt(signal.Signals(number).name)


def main(arguments: list[str]) -> int:
    """Run the checks and return the exit status."""
    os.chdir(ROOT)
    for number in SIGNALS:
        signal.signal(number, interrupt)
    try:
        if not arguments and (status := static_checks()):
            return status
        with running_servers():
            if arguments:
                return execute(python("pytest", *arguments))
            return migrations() or tests()
    except KeyboardInterrupt as error:
        print(f"\nstopped by {error}", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
