"""The crash journal: what it holds survives its process, and only that."""

import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.delivery.journal import Journal, JournalLocked, Noted, dead_journal
from app.mail.smtp.outcome import Outcome, Status

TAKEN = Outcome(Status.DELIVERED, 250, "2.0.0", "2.0.0 Ok: queued as 4XyZ", "mx.example.org", 12)


def abandon(journal: Journal) -> None:
    """End the owner without closing: what a kill leaves behind."""
    journal._map.close()
    journal._file.close()


def test_it_tells_what_was_begun_and_what_was_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path, uuid4(), slots=4)
    journal.begin(1, 1)
    journal.begin(2, 3)
    journal.finish(2, 3, TAKEN)
    journal.begin(3, 1)
    journal.forget(3, 1)
    abandon(journal)
    with dead_journal(journal.path) as notes:
        assert sorted(notes, key=lambda note: note.message_id) == [Noted(1, 1, None), Noted(2, 3, TAKEN)]


def test_a_living_owner_is_seen(tmp_path: Path) -> None:
    journal = Journal(tmp_path, uuid4(), slots=4)
    with pytest.raises(JournalLocked), dead_journal(journal.path):
        pass
    journal.close()
    assert not journal.path.exists()


def test_no_file_tells_nothing(tmp_path: Path) -> None:
    with dead_journal(tmp_path / "none.journal") as notes:
        assert notes == []


def test_slots_are_used_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path, uuid4(), slots=2)
    for message_id in range(100):
        journal.begin(message_id, 1)
        journal.finish(message_id, 1, TAKEN)
        journal.forget(message_id, 1)
    assert journal.room == 2
    journal.close()


def test_a_file_with_notes_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, uuid4(), slots=2)
    journal.begin(1, 1)
    journal.close()
    assert journal.path.exists()


@given(reply=st.text(max_size=1000), host=st.text(max_size=300))
def test_any_reply_fits_and_is_read_back_as_far_as_it_fits(
    tmp_path_factory: pytest.TempPathFactory, reply: str, host: str
) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal"), uuid4(), slots=1)
    journal.begin(2**48 - 1, 32767)
    journal.finish(2**48 - 1, 32767, Outcome(Status.REJECTED, 550, "5.1.1", reply, host, 1))
    abandon(journal)
    with dead_journal(journal.path) as notes:
        (note,) = notes
    assert note.outcome is not None
    assert (note.message_id, note.attempt, note.outcome.code) == (2**48 - 1, 32767, 550)
    assert note.outcome.status is Status.REJECTED


def test_the_notes_of_a_killed_process_can_be_read(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from uuid import UUID
from app.delivery.journal import Journal
journal = Journal(Path({str(tmp_path)!r}), UUID(int=7), slots=10)
journal.begin(1, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with dead_journal(next(tmp_path.glob("*.journal"))) as notes:
        assert notes == [Noted(1, 1, None)]
