"""Who this host is: the id of its data directory, where the journals are."""

import os
from pathlib import Path
from uuid import uuid4


def host_id(data_dir: Path) -> str:
    """Return the id kept in the data directory, made on first use; two processes at once agree on one."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / "host-id"
    draft = data_dir / f".host-id-{uuid4()}"
    if not path.exists():
        draft.write_text(str(uuid4()))
        try:
            os.link(draft, path)  # fails when another process was first, and then its id holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()
