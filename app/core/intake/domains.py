"""Customers' return path domains. Imports db."""

from app.db.sql import Sql
from app.db.unit_of_work import ReadSession

_sql = Sql(__package__)


async def return_path_domains(read: ReadSession) -> frozenset[str]:
    """Return the names `dynrp.<domain>` of senders' domains that were seen to lead to us, in lower case.

    Args:
        read: The transaction.
    """
    rows = await _sql.rows(read, "return_path_domains")
    return frozenset(row.domain for row in rows)
