"""The contract is the one that was agreed, and the tree names no place outside itself."""

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "docs" / "contract"
AGREED = ROOT.parent / "shared" / "contract"
SKIPPED = {".git", ".venv", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis",
           ".import_linter_cache", "out"}  # fmt: skip
FILE_BYTES = 5_000_000


def texts() -> Iterator[tuple[Path, str]]:
    """Yield every file of the tree that is text."""
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            if path.is_symlink() or path.name in SKIPPED:
                continue
            if path.is_dir():
                pending.append(path)
            elif path.stat().st_size < FILE_BYTES:
                try:
                    yield path, path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    continue


def test_the_contract_is_whole() -> None:
    names = {path.name for path in CONTRACT.iterdir()}
    linked = set(re.findall(r"^\| `([a-z-]+\.(?:md|yaml))`", (CONTRACT / "README.md").read_text("utf-8"), re.MULTILINE))
    assert linked
    assert linked <= names


def test_the_contract_is_the_agreed_one() -> None:
    # The agreed copy stands beside a checkout of the workshop only; elsewhere ours is all there is.
    agreed = sorted(AGREED.iterdir()) if AGREED.is_dir() else sorted(CONTRACT.iterdir())
    assert {path.name for path in agreed} == {path.name for path in CONTRACT.iterdir()}
    for path in agreed:
        assert (CONTRACT / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("lock", sorted((ROOT / "locks").iterdir()), ids=lambda path: path.name)
def test_a_lock_names_no_registry(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "--hash=sha256:" in text


def test_no_file_names_a_place_of_one_machine() -> None:
    places = {str(ROOT), str(Path.home()), tempfile.gettempdir() + "/trireme"} - {"/"}
    for path, text in texts():
        assert not [place for place in places if f"{place}/" in text], path
