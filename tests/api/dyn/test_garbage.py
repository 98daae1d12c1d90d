"""Whatever comes in, the answer is one of the documented ones: never a crash."""

import random
from urllib.parse import quote_from_bytes

import httpx2

from tests.factories import Factories

NAMES = (
    "start_time end_time user_id sender sender_id X-Campaign xheaders offset domain local recipient rollup_to timeseries "
    "delivered envelope startindex accountname username password companyname phone timezone country bounce_url "
    "bounce_url_active trackopens generatenewapikey usertype _username xheader1 xheader4 emailaddress seeding dkim "
    "starttime endtime startdate enddate bouncetype noheaders"
)
VALUES = [
    b"", b"1", b"0", b"-1", b"1479772800", b"1479772801000", b"99999999999999999999999", b"1.5", b"nan", b"2016-11-22",
    b"2016-02-30", b"9999-12-31T23:59:59-23:59", b"0000-00-00", b"\x00", b"\xff\xfe", "ключ".encode(), b"a@x.example",
    b"A@X.EXAMPLE", b"@", b"[", b"['a@x.example'", b"%", b"'; DROP TABLE messages; --", b"X-Campaign=1", b"=", b"hour",
    b"day", b"user", b"always", b"true", b"\r\n", b"x" * 3000, b"\xed\xa0\x80", "\U0001f600".encode(), b"http://x.example/",
]  # fmt: skip
REPORTS = "sent delivered bounces bounces/count complaints/count issues opens opens/unique clicks clicks/count/unique"
PATHS = [
    "/emails", "/email/counts", "/rest/json/accounts", "/rest/json/accounts/xheaders", "/rest/json/senders",
    "/rest/json/senders/details", "/rest/json/senders/dkim", "/rest/json/recipients/status",
    "/rest/json/recipients/activate", "/rest/json/suppressions", "/rest/json/suppressions/count",
    "/rest/json/suppressions/activate", *(f"/rest/json/reports/{name}" for name in REPORTS.split()),
]  # fmt: skip
ALLOWED = {200, 405, 452, 453}


async def test_garbage_is_answered(client: httpx2.AsyncClient, make: Factories) -> None:
    account = await make.account(x_headers=["X-Campaign"], senders=["a@x.example"])
    chance = random.Random(20261121)
    names = NAMES.split()
    key = account.key
    for _ in range(600):
        path = chance.choice(PATHS)
        fields = [(chance.choice(names), quote_from_bytes(chance.choice(VALUES))) for _ in range(chance.randrange(12))]
        if path.startswith("/email"):
            fields = [("start_time", "1479772800"), ("end_time", "1479859200"), *fields]
        # A new key, asked for by chance, must not end the test: without a user name nothing is made or changed.
        query = "&".join(f"{name}={value}" for name, value in fields if name != "username")
        method = chance.choice(["GET", "POST"])
        if method == "GET":
            response = await client.get(f"{path}?apikey={key}&{query}")
        else:
            kind = {"content-type": "application/x-www-form-urlencoded"}
            response = await client.post(path, content=f"apikey={key}&{query}", headers=kind)
        assert response.status_code in ALLOWED, (method, path, query, response.text)
        response.json()
