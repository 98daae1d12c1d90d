"""Whose turn it is: accounts in turn, and the runs of an account in turn. Pure.

A turn is one chunk, so an account with a hundred campaigns gets no more than one with a single campaign.
"""

from collections import OrderedDict
from collections.abc import Iterable

from app.core.messages import OpenRun


class Turns:
    """A round of rounds over the runs that have something to send."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._accounts: OrderedDict[int, OrderedDict[int, OpenRun]] = OrderedDict()

    def update(self, runs: Iterable[OpenRun]) -> None:
        """Take over who has something to send; who had a place keeps it, new ones come last."""
        now = {run.id: run for run in runs}
        for account_id, waiting in list(self._accounts.items()):
            for run_id in list(waiting):
                if run_id in now:
                    waiting[run_id] = now.pop(run_id)
                else:
                    del waiting[run_id]
            if not waiting:
                del self._accounts[account_id]
        for run in now.values():
            self._accounts.setdefault(run.account_id, OrderedDict())[run.id] = run

    def next(self) -> OpenRun | None:
        """Return the run whose turn it is and put it, and its account, last; None when nobody waits."""
        if not self._accounts:
            return None
        account_id, waiting = next(iter(self._accounts.items()))
        run = next(iter(waiting.values()))
        waiting.move_to_end(run.id)
        self._accounts.move_to_end(account_id)
        return run

    def drop(self, run: OpenRun) -> None:
        """Leave a run out until it comes again with `update`."""
        waiting = self._accounts.get(run.account_id)
        if waiting is not None and waiting.pop(run.id, None) is not None and not waiting:
            del self._accounts[run.account_id]
