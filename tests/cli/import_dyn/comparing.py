"""Everything that the classic API tells of an account."""

import json
from typing import Any

import httpx2

REPORTS = ("sent", "delivered", "bounces", "complaints", "issues", "opens", "clicks", "opens/unique", "clicks/unique")
COUNTS = ("sent/count", "delivered/count", "bounces/count", "complaints/count", "issues/count", "opens/count",
          "clicks/count", "opens/count/unique", "clicks/count/unique")  # fmt: skip
RANGE = {"starttime": "2016-11-01", "endtime": "2016-12-01"}


async def told(client: httpx2.AsyncClient, key: str, *senders: str) -> dict[str, Any]:
    """Return what the API says to a key, without what each installation numbers for itself."""

    async def ask(path: str, **fields: str) -> Any:
        answer = await client.get(f"/rest/json/{path}", params={"apikey": key, **fields})
        assert answer.status_code == 200, answer.text
        return answer.json()["response"]["data"]

    found: dict[str, Any] = {}
    for path in ("accounts", "accounts/xheaders", "senders", "suppressions/count"):
        found[path] = await ask(path)
    entries = (await ask("suppressions"))["suppressions"]
    found["suppressions"] = [{**one, "suppressionid": ""} for one in entries]
    addresses = ", ".join(one["emailaddress"] for one in entries)
    found["recipients"] = await ask("recipients/status", emailaddress=addresses)
    for sender in senders:
        for path in (*REPORTS, *COUNTS):
            found[f"{path} of {sender}"] = _sorted(await ask(f"reports/{path}", sender=sender, **RANGE))
        for kind in ("previouslyhardbounced", "previouslycomplained", "suppressed"):
            data = await ask("reports/bounces", sender=sender, bouncetype=kind, **RANGE)
            found[f"{kind} of {sender}"] = _sorted(data)
    found["issues"] = await ask("reports/issues", **RANGE)
    return found


def _sorted(data: dict[str, Any]) -> dict[str, Any]:
    """Return lists in an order that does not hang on ids, and without them."""
    for name, items in data.items():
        if isinstance(items, list):
            bare = [{key: value for key, value in item.items() if key != "userid"} for item in items]
            data[name] = sorted(bare, key=lambda item: json.dumps(item, sort_keys=True))
    return data
