"""An account of a running product as a customer of Dynosend has it, and its campaign's numbers, row by row."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.e2e.mails import native
from tests.e2e.platform import Platform, rows

SUBJECT = "Tide tables"
OWN = "account_id = (SELECT id FROM accounts WHERE username = $1)"
COUNTED = {
    "recipients": "SELECT total FROM runs WHERE TRUE",
    "delivered": "SELECT count(delivered_at) FROM messages WHERE kind = 'campaign'",
    "bounce_count": "SELECT count(bounced_at) FROM messages WHERE kind = 'campaign'",
    "open_count": "SELECT count(*) FROM opens WHERE run_id IS NOT NULL",
    "unique_open_count": "SELECT count(DISTINCT message_id) FROM opens WHERE run_id IS NOT NULL",
    "click_count": "SELECT count(*) FROM clicks WHERE run_id IS NOT NULL",
    "unique_click_count": "SELECT count(DISTINCT message_id) FROM clicks WHERE run_id IS NOT NULL",
    "spam_report_count": "SELECT count(DISTINCT message_id) FROM complaints WHERE run_id IS NOT NULL",
    "unsubscribed_count": "SELECT count(DISTINCT message_id) FROM unsubscriptions WHERE run_id IS NOT NULL",
}
RATES = {
    "delivery_rate": ("delivered", "recipients"),
    "unique_open_rate": ("unique_open_count", "delivered"),
    "click_rate": ("unique_click_count", "delivered"),
    "click_per_unique_open": ("unique_click_count", "unique_open_count"),
    "spam_report_rate": ("spam_report_count", "delivered"),
    "bounce_rate": ("bounce_count", "delivered"),
    "unsubscribed_rate": ("unsubscribed_count", "delivered"),
}


@dataclass
class Customer:
    """The account, and what it has made so far."""

    running: Platform
    audience: str = ""
    campaign: str = ""
    readers: list[str] = field(default_factory=list)

    def native(self, method: str, path: str, status: int = 200, **more: Any) -> Any:
        """The content of an answer of the native API with that status."""
        return self._asked(method, f"/api/trireme/v1{path}", status, more)

    def dynosend(self, method: str, path: str, status: int = 200, **given: Any) -> Any:
        """The content of an answer of Dynosend with that status."""
        return self._asked(method, f"/api/v2{path}", status, {"json": given})

    def _asked(self, method: str, path: str, status: int, more: dict[str, Any]) -> Any:
        headers = {"Authorization": f"Bearer {self.running.api_key}"}
        answer = self.running.client.request(method, path, headers=headers, **more)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def contact(self, address: str) -> dict[str, Any]:
        """A contact of the audience, as Dynosend shows it."""
        found: dict[str, Any] = self.dynosend("GET", "/contacts", audience_uid=self.audience, email=address)
        shown: dict[str, Any] = found["contact"]
        return shown

    def status(self) -> str:
        """Where the campaign stands, as Dynosend says it."""
        found: str = self.dynosend("GET", "/campaigns", campaign_uid=self.campaign)["campaign"]["status"]
        return found

    def arrived(self) -> int:
        """How many mails of the campaign the server at the other end has taken."""
        query = {"subject": SUBJECT, "limit": 1, "count": "true"}
        total: int = native(self.running, "/sandbox/messages", **query).json()["total"]
        return total

    def ledger(self) -> dict[str, int]:
        """The numbers of the campaign, counted row by row."""
        columns = ", ".join(f"({query} AND {OWN}) AS {name}" for name, query in COUNTED.items())
        (row,) = rows(self.running, f"SELECT {columns}", self.running.username)
        return dict(row)

    def insights_are_the_ledger(self) -> dict[str, int]:
        """Compare both families' insights with the rows; return what was counted."""
        counted = self.ledger()
        exact = {name: counted[of] / counted[by] for name, (of, by) in RATES.items()}
        numbers = {name: number for name, number in counted.items() if name != "delivered"}
        shown = self.native("GET", f"/campaigns/{self.campaign}/insights")
        hours = shown.pop("by_hour")
        assert shown == numbers | exact
        assert sum(hour["opens"] for hour in hours) == counted["open_count"]
        assert sum(hour["clicks"] for hour in hours) == counted["click_count"]
        rounded = {name: round_half_up(counted[of], counted[by]) for name, (of, by) in RATES.items()}
        assert self.dynosend("GET", "/campaigns", campaign_uid=self.campaign)["insights"] == numbers | rounded
        return counted


def round_half_up(of: int, by: int) -> float:
    return float((Decimal(of) / by).quantize(Decimal("0.01"), ROUND_HALF_UP))
