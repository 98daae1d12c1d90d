"""Imports, exports, bulk actions and jobs over HTTP: files in, rows out, files out."""

import json
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from app.core import transfers
from app.db.engine import driver_connection
from app.kit.uids import Noun, number_of_uuid, uid, uuid
from app.models.audience import Audience
from tests.factories import Factories, MadeAccount

BASE = "/api/trireme/v1"


class Api:
    """Calls as one account; jobs run when they are waited for."""

    def __init__(self, client: httpx2.AsyncClient, engine: AsyncEngine, key: str) -> None:
        self._client, self._engine = client, engine
        self._headers = {"Authorization": f"Bearer {key}"}

    async def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {**self._headers, **more.pop("headers", {})}
        return await self._client.request(method, BASE + path, headers=headers, **more)

    async def upload(
        self, path: str, data: bytes, options: object = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        form = None if options is None else {"options": json.dumps(options)}
        return await self.call(
            "POST", path, files={"file": ("a.csv", data, "text/csv")}, data=form, headers=headers or {}
        )

    async def ended(self, answer: httpx2.Response) -> dict[str, Any]:
        """Run the job of an answer; return it."""
        assert answer.status_code == 202, answer.text
        job = answer.json()
        assert answer.headers["location"] == f"{BASE}/jobs/{job['id']}"
        number = number_of_uuid(Noun.JOB, UUID(job["id"]))
        assert number is not None
        while await transfers.run(self._engine, number):
            pass
        shown = await self.call("GET", f"/jobs/{job['id']}")
        assert shown.status_code == 200
        found: dict[str, Any] = shown.json()
        return found


@pytest.fixture
async def account(make: Factories) -> MadeAccount:
    return await make.account()


@pytest.fixture
async def audience(make: Factories, account: MadeAccount) -> Audience:
    return await make.audience(account, fields={"CITY": "text"})


@pytest.fixture
def api(client: httpx2.AsyncClient, engine: AsyncEngine, account: MadeAccount) -> Api:
    return Api(client, engine, account.key)


async def test_what_is_imported_is_exported(api: Api, audience: Audience) -> None:
    where = f"/audiences/{uid(Noun.AUDIENCE, audience.id)}"
    data = b'EMAIL,CITY\nb@x.example,"=1+1, ""x"""\na@x.example,\nbad,x\n'
    job = await api.ended(await api.upload(f"{where}/imports", data, {"tags": ["t", "u"]}))
    assert list(job) == ["id", "type", "status", "progress", "error", "created_at", "started_at", "finished_at"]
    assert (job["type"], job["status"], job["error"]) == ("contact_import", "done", None)
    assert job["progress"] == {"total": 3, "processed": 3, "created": 2, "updated": 0, "skipped": 0, "failed": 1}
    errors = await api.call("GET", f"/jobs/{job['id']}/errors")
    assert errors.text == "line,address,reason\r\n4,bad,email must be a valid email address\r\n"
    assert errors.headers["content-type"] == "text/csv; charset=utf-8"
    assert (await api.call("GET", f"/jobs/{job['id']}/result")).status_code == 404
    columns = ["EMAIL", "city", "status", "tags"]
    asked = await api.call("POST", f"{where}/exports", json={"columns": columns})
    assert (await api.call("GET", f"/jobs/{asked.json()['id']}/result")).status_code == 404
    job = await api.ended(asked)
    assert (job["progress"]["total"], job["progress"]["updated"]) == (2, 2)
    result = await api.call("GET", f"/jobs/{job['id']}/result")
    assert result.text == (
        'email,CITY,status,tags\r\nb@x.example,"=1+1, ""x""",subscribed,"t,u"\r\na@x.example,,subscribed,"t,u"\r\n'
    )
    body = {"format": "jsonl", "filter": {"email": "A@x.example"}}
    job = await api.ended(await api.call("POST", f"{where}/exports", json=body))
    (line,) = (await api.call("GET", f"/jobs/{job['id']}/result")).text.splitlines()
    row = json.loads(line)
    assert (row["email"], row["CITY"], row["tags"]) == ("a@x.example", None, ["t", "u"])


async def test_bulk_actions(
    make: Factories, engine: AsyncEngine, api: Api, audience: Audience, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.transfers.bulk.PAGE", 2)
    statuses = ("subscribed", "unconfirmed", "unsubscribed", "blacklisted", "spam-reported")
    for status in statuses:
        await make.contact(audience, f"{status}@x.example", status=status, tags=["old"])
    path = f"/audiences/{uuid(Noun.AUDIENCE, audience.id)}/contacts/bulk"
    async with driver_connection(engine) as connection:
        await connection.execute("DELETE FROM domain_events")

    async def bulk(**body: Any) -> tuple[int, int, int]:
        job = await api.ended(await api.call("POST", path, json=body))
        assert (job["status"], job["type"]) == ("done", "contact_bulk")
        return job["progress"]["processed"], job["progress"]["updated"], job["progress"]["skipped"]

    async def rows() -> dict[str, tuple[str, list[str]]]:
        async with driver_connection(engine) as connection:
            found = await connection.fetch("SELECT split_part(address, '@', 1) AS name, status, tags FROM contacts")
        return {row["name"]: (row["status"], row["tags"]) for row in found}

    assert await bulk(action="add_tags", tags=["new", "old"], filter={"status": "subscribed"}) == (1, 1, 0)
    assert await bulk(action="add_tags", tags=["new"]) == (5, 4, 1)
    assert await bulk(action="remove_tags", tags=["old", "x"], filter={"tag": "old"}) == (5, 5, 0)
    assert {tuple(tags) for _, tags in (await rows()).values()} == {("new",)}
    assert await bulk(action="unsubscribe") == (5, 2, 3)
    assert {name: status for name, (status, _) in (await rows()).items()} == {
        **dict.fromkeys(statuses, "unsubscribed"),
        "blacklisted": "blacklisted",
        "spam-reported": "spam-reported",
    }
    assert await bulk(action="delete", filter={"q": "SUBSCRIBED"}) == (2, 2, 0)
    assert sorted(await rows()) == ["blacklisted", "spam-reported", "unconfirmed"]
    async with driver_connection(engine) as connection:
        told = await connection.fetch(
            "SELECT type, count(*) FROM domain_events WHERE type LIKE 'contact.%' GROUP BY 1 ORDER BY 1"
        )
    assert {row[0]: row[1] for row in told} == {
        "contact.deleted": 2,
        "contact.tagged": 5,
        "contact.unsubscribed": 2,
        "contact.updated": 5,
    }


async def test_a_suppression_list_comes_and_goes(make: Factories, api: Api, audience: Audience) -> None:
    await make.contact(audience, "a@x.example")
    data = b"reason;email;created_at\ncomplaint;A@x.example;2020-01-01T00:00:00Z\nnope;b@x.example;\n;c@x.example;\n"
    job = await api.ended(await api.upload("/suppressions/imports", data, {"reason": "hardbounce"}))
    assert job["progress"] == {"total": 3, "processed": 3, "created": 2, "updated": 0, "skipped": 0, "failed": 1}
    errors = (await api.call("GET", f"/jobs/{job['id']}/errors")).text.splitlines()
    assert errors[1].startswith('3,b@x.example,"reason must be one of')
    bare = await api.ended(await api.upload("/suppressions/imports", b"a@x.example\nd@x.example,manual\nx\n"))
    assert bare["progress"] == {"total": 3, "processed": 3, "created": 1, "updated": 0, "skipped": 1, "failed": 1}
    job = await api.ended(await api.call("POST", "/suppressions/exports", json={}))
    lines = (await api.call("GET", f"/jobs/{job['id']}/result")).text.splitlines()
    assert lines[:2] == ["email,reason,created_at", "a@x.example,complaint,2020-01-01T00:00:00.000000Z"]
    assert sorted(line.split(",")[0] for line in lines[2:]) == ["c@x.example", "d@x.example"]


async def test_a_repeated_upload_is_one_job(api: Api, audience: Audience, engine: AsyncEngine) -> None:
    path = f"/audiences/{uuid(Noun.AUDIENCE, audience.id)}/imports"
    headers = {"Idempotency-Key": "once"}
    first = await api.upload(path, b"EMAIL\na@x.example\n", headers=headers)
    again = await api.upload(path, b"EMAIL\na@x.example\n", headers=headers)
    other = await api.upload(path, b"EMAIL\nb@x.example\n", headers=headers)
    assert (first.status_code, again.status_code, other.status_code) == (202, 202, 409)
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    assert other.json()["type"] == "/problems/idempotency-conflict"
    async with driver_connection(engine) as connection:
        assert await connection.fetchval("SELECT count(*) FROM jobs") == 1


async def test_what_is_wrong_is_said(api: Api, audience: Audience, make: Factories) -> None:
    where = f"/audiences/{uuid(Noun.AUDIENCE, audience.id)}"
    path = f"{where}/imports"
    assert (await api.call("POST", path, json={})).status_code == 415
    assert (
        await api.call("POST", path, content=b"x", headers={"Content-Type": "multipart/form-data"})
    ).status_code == 415
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await api.call("POST", path, content=b"--x\r\nbad", headers=broken)).status_code == 400
    missing = await api.call("POST", path, files={"other": b"x"})
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "file")
    for options, field in (
        ({"x": 1}, "options.x"),
        ({"delimiter": "ab"}, "options.delimiter"),
        ({"delimiter": "x"}, "options.delimiter"),
        ({"status": "blacklisted"}, "options.status"),
        ({"tags": ["x" * 101]}, "options.tags"),
        ({"mapping": {"a": "NOPE"}}, "options.mapping"),
    ):
        answer = await api.upload(path, b"EMAIL\n", options)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), options
    for body, field in (
        ({"action": "explode"}, "action"),
        ({"action": "add_tags"}, "tags"),
        ({"action": "delete", "filter": {"email": "x"}}, "filter.email"),
        ({"action": "delete", "filter": {"segment_id": str(uuid(Noun.SEGMENT, 1))}}, "filter.segment_id"),
    ):
        answer = await api.call("POST", f"{where}/contacts/bulk", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text
    answer = await api.call("POST", f"{where}/exports", json={"columns": ["nope"]})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "columns")


async def test_jobs_are_listed_cancelled_and_nobody_elses(
    make: Factories, client: httpx2.AsyncClient, engine: AsyncEngine, api: Api, audience: Audience
) -> None:
    where = f"/audiences/{uuid(Noun.AUDIENCE, audience.id)}"
    ids = [(await api.call("POST", f"{where}/exports", json={})).json()["id"] for _ in range(3)]
    cancelled = await api.call("POST", f"/jobs/{ids[1]}/cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    again = await api.call("POST", f"/jobs/{ids[1]}/cancel")
    assert (again.status_code, again.json()["state"]) == (409, "cancelled")
    page = (await api.call("GET", "/jobs?limit=2&count=true")).json()
    assert ([one["id"] for one in page["data"]], page["has_more"], page["total"]) == (ids[:2], True, 3)
    page = (await api.call("GET", f"/jobs?limit=2&cursor={page['next_cursor']}")).json()
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (ids[2:], False)
    assert [one["id"] for one in (await api.call("GET", "/jobs?status=cancelled")).json()["data"]] == [ids[1]]
    assert (await api.call("GET", "/jobs?type=contact_import")).json()["data"] == []
    stranger = Api(client, engine, (await make.account()).key)
    for method, path in (
        ("GET", f"/jobs/{ids[0]}"),
        ("POST", f"/jobs/{ids[0]}/cancel"),
        ("GET", f"/jobs/{ids[0]}/errors"),
        ("GET", f"/jobs/{ids[0]}/result"),
        ("POST", f"{where}/exports"),
        ("POST", f"{where}/contacts/bulk"),
    ):
        body = {"json": {"action": "delete"}} if path.endswith("bulk") else {}
        assert (await stranger.call(method, path, **body)).status_code == 404, path
    assert (await stranger.upload(f"{where}/imports", b"EMAIL\n")).status_code == 404
    assert (await stranger.call("GET", "/jobs")).json()["data"] == []
    nobody = Api(client, engine, "0" * 32)
    assert (await nobody.upload(f"{where}/imports", b"EMAIL\n")).status_code == 401
