"""What recipients did with a campaign: the numbers of its latest run. Uses the repository.

Source: docs/contract/dynosend.md, 9.2.
"""

from dataclasses import dataclass

from app.core.campaigns import repository
from app.core.campaigns.narrowing import condition, narrowed
from app.core.campaigns.values import View
from app.core.errors import Invalid
from app.db.unit_of_work import ReadSession
from app.models.campaign import Campaign


@dataclass(frozen=True, slots=True)
class Insights:
    """Numbers of a run; rates are for the families, who round them differently.

    Attributes:
        recipients: Copies targeted, fixed when sending starts; before that, contacts that would be targeted now.
        delivered: Copies the receiving server took; a failure report that comes later does not lower it.
        bounces: Contacts whose copy was refused, given up or returned.
        opens: All opens.
        opened: Contacts with at least one.
        clicks: All clicks.
        clicked: Contacts with at least one.
        complaints: Contacts who complained.
        unsubscribes: Contacts who unsubscribed.
    """

    recipients: int
    delivered: int = 0
    bounces: int = 0
    opens: int = 0
    opened: int = 0
    clicks: int = 0
    clicked: int = 0
    complaints: int = 0
    unsubscribes: int = 0


async def insights(read: ReadSession, view: View) -> Insights:
    """Return the numbers of a campaign's latest run.

    Args:
        read: The transaction.
        view: Of `get`.
    """
    if view.run is None or view.run.total is None:
        return Insights(await count_targets(read, view.campaign))
    rows = await repository.sql.rows(read, "insights", view.run.id)
    counted = dict(rows[0]._mapping) if rows else {}  # noqa: SLF001 SQLAlchemy's public name for a row's mapping
    return Insights(view.run.total, **counted)


async def count_targets(read: ReadSession, campaign: Campaign) -> int:
    """Return how many addresses a campaign would be sent to if it began now; nobody when its segment is gone."""
    try:
        narrow = await condition(read, campaign, first_parameter=3)
    except Invalid:
        return 0
    if narrow is not None:
        connection = await read.connection()
        values = (campaign.account_id, campaign.audience_ids[0], *narrow.args)
        result = await connection.exec_driver_sql(narrowed("count_segment", narrow), values)
        return int(result.scalar_one())
    audiences = await repository.audiences(read, campaign.account_id, campaign.audience_ids)
    rows = await repository.sql.rows(
        read, "count_targets", campaign.account_id, [audience.id for audience in audiences]
    )
    return int(rows[0].targets)
