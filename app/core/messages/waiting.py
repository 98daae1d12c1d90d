"""What waits to be written: bounded in copies and bytes, taken in groups in order of arrival."""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.errors import Overloaded
from app.core.messages.draft import Accepted, Draft, Refusal
from app.core.messages.group import Entry

GROUP_ENTRIES = 500
GROUP_ROWS = 5_000
GROUP_BYTES = 32 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Waiting:
    """One submission, and who waits for it."""

    item: Draft | Refusal
    rows: int
    """Copies or issues it will write."""
    size: int
    """Bytes it holds, near enough."""
    future: "asyncio.Future[Accepted | None]"
    entry: Entry | None = None
    """Numbered once: written a second time, its ids would tell that the first commit has happened after all."""
    since: float = field(default_factory=time.monotonic)

    def answer(self, result: Accepted | None) -> None:
        """Tell that it is durable."""
        if not self.future.done():
            self.future.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Tell why it is not."""
        if not self.future.done():
            self.future.set_exception(error)
            # Who handed it over may be gone; that nobody looks at the error is no error.
            self.future.exception()


class WaitingRoom:
    """The submissions of one process that have no answer yet."""

    def __init__(self, *, rows: int, size: int) -> None:
        """Set the bounds.

        Args:
            rows: Most copies that may be in here.
            size: Most bytes.
        """
        self._most_rows = rows
        self._most_bytes = size
        self._rows = 0
        self._bytes = 0
        self._queue: deque[Waiting] = deque()

    def __len__(self) -> int:
        return len(self._queue)

    def enter(self, item: Draft | Refusal, *, rows: int, size: int) -> Waiting:
        """Let a submission in.

        Raises:
            Overloaded: There is no room.
        """
        if self._rows + rows > self._most_rows or self._bytes + size > self._most_bytes:
            raise Overloaded("too much waits to be accepted")
        waiting = Waiting(item, rows, size, asyncio.get_running_loop().create_future())
        self._rows += rows
        self._bytes += size
        self._queue.append(waiting)
        return waiting

    def take(self) -> list[Waiting]:
        """Return the next group; it still fills the room until `leave`."""
        group: list[Waiting] = []
        rows = size = 0
        while self._queue and len(group) < GROUP_ENTRIES:
            head = self._queue[0]
            if group and (rows + head.rows > GROUP_ROWS or size + head.size > GROUP_BYTES):
                break
            rows, size = rows + head.rows, size + head.size
            group.append(self._queue.popleft())
        return group

    def leave(self, group: Sequence[Waiting]) -> None:
        """Make room again, because a group has been answered."""
        self._rows -= sum(waiting.rows for waiting in group)
        self._bytes -= sum(waiting.size for waiting in group)
