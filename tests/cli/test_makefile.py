"""What `make` says on a machine that lacks something."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def python(directory: Path, script: str) -> Path:
    """A stand-in for an interpreter."""
    path = directory / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def make(directory: Path, interpreter: Path | str) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", directory)
    shutil.copy(ROOT / "pyproject.toml", directory)
    shutil.copytree(ROOT / "locks", directory / "locks", dirs_exist_ok=True)
    return subprocess.run(
        [shutil.which("make") or "make", "run", f"PYTHON={interpreter}"],
        cwd=directory,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ('case "$*" in *version_info*) exit 1;; -V) echo Python 3.9.2;; esac', ["3.11 or newer", "Python 3.9.2"]),
        ('case "$*" in *ensurepip*) exit 1;; esac', ["venv module is missing", "python3-venv"]),
    ],
)
def test_an_interpreter_that_will_not_do_is_named(tmp_path: Path, script: str, words: list[str]) -> None:
    done = make(tmp_path, python(tmp_path, script))
    assert done.returncode != 0
    for word in words:
        assert word in done.stderr


def test_no_interpreter_is_said(tmp_path: Path) -> None:
    done = make(tmp_path, "no-such-python")
    assert done.returncode != 0
    assert "'no-such-python' was not found" in done.stderr
    assert not (tmp_path / ".venv").exists()
