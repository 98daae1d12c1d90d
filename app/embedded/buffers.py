"""How large PostgreSQL's own cache is made. Imports nothing of ours."""

import os

BUFFERS_SHARE, LEAST_BUFFERS_MB, MOST_BUFFERS_MB = 16, 128, 1024
"""PostgreSQL's own cache: this part of the memory of the machine, within these bounds; the system caches the rest."""


def memory_octets() -> int:
    """Return the memory of the machine in octets, 0 where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def shared_buffers(memory: int) -> str:
    """Return the size of the server's own cache for so many octets of memory, as the setting of that name."""
    return f"{min(max(memory // BUFFERS_SHARE // 2**20, LEAST_BUFFERS_MB), MOST_BUFFERS_MB)}MB"
