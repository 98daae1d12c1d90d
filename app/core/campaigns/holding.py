"""A campaign and its latest run, locked, and what every verb does with them. Uses the repository and `state`."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from app.core import messages
from app.core.campaigns import repository
from app.core.campaigns.state import Cell, Column, Family, Move, Stay, Verb, cell, column_of
from app.core.campaigns.values import Which
from app.core.errors import Conflict, NotFound, QuotaExceeded
from app.db.engine import driver_of
from app.db.unit_of_work import WriteSession
from app.kit.uids import Noun, number_of
from app.models.campaign import Campaign
from app.models.run import Run, RunState


@dataclass(frozen=True, slots=True)
class Held:
    """A campaign and its latest run, both locked, and the database's clock."""

    campaign: Campaign
    run: Run | None
    now: datetime

    @property
    def state(self) -> RunState:
        """State of the campaign."""
        return RunState(self.run.state) if self.run else RunState.DRAFT

    @property
    def column(self) -> Column:
        """Where the campaign stands in the table of moves."""
        run = self.run
        waits = run is not None and run.total is None and run.start_at is not None and run.start_at > self.now
        return column_of(self.state, ahead=waits)

    def cell(self, family: Family, verb: Verb) -> Cell:
        """Return what the verb does."""
        return cell(family, verb, self.column)

    def move(self, family: Family, verb: Verb) -> Move | None:
        """Return where the verb leads; None when it is so already.

        Raises:
            Conflict: The state does not allow it; carries the state.
        """
        found = self.cell(family, verb)
        if found is Stay.REFUSED:
            raise Conflict(f"the campaign is {self.state}", state=self.state)
        return found if isinstance(found, Move) else None

    @property
    def known_run(self) -> Run:
        """The run; there is one in every state but `draft`.

        Raises:
            NotFound: There is none.
        """
        if self.run is None:
            raise NotFound("the campaign has no run")
        return self.run


async def hold(write: WriteSession, account_id: int, campaign_id: Which) -> Held:
    """Lock a campaign and its latest run.

    Raises:
        NotFound: The account has no such campaign.
    """
    number = number_of(Noun.CAMPAIGN, campaign_id)
    campaign = await repository.lock(write, account_id, number) if number else None
    if campaign is None:
        raise NotFound("no such campaign")
    run = await repository.lock_run(write, campaign.latest_run_id)
    return Held(campaign, run, await repository.now(write))


async def check_quota(write: WriteSession, held: Held, default_cap: int) -> None:
    """See that the account may send.

    Args:
        write: The transaction.
        held: The campaign.
        default_cap: Monthly limit of masters without one of their own; 0 = none.

    Raises:
        QuotaExceeded: The monthly limit is used up.
        Forbidden: The account may not act.
    """
    connection = await driver_of(await write.connection())
    account_id = held.campaign.account_id
    # Without its lock: claims hold it while they wait for the run, which is locked here.
    left = await messages.left_this_month(connection, account_id, held.now, default_cap=default_cap, lock=False)
    if left == 0:
        raise QuotaExceeded("the monthly quota is spent")


async def enter(write: WriteSession, run: Run, state: RunState) -> Run:
    """Let the run be in that state; return it as the database has it."""
    run.state = state
    run.updated_at = func.now()
    await write.flush()
    await write.refresh(run)
    return run


async def notify(write: WriteSession, run: Run) -> None:
    """Tell the delivery processes the run's epoch, once this transaction has committed."""
    await write.execute(select(func.pg_notify(messages.CHANNEL, f"{run.id}:{run.epoch}")))
