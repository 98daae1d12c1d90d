"""DNS as `app.mail.published` asks it, against a small DNS server."""

import pytest

from app.mail.published.records import NoAnswer
from app.mail.smtp.lookups import Lookups
from app.mail.smtp.records import DnsRecords
from tests.fixtures.dns_server import DnsServer

ZONE = {
    ("text.test.", "TXT"): ['"v=spf1 " "-all"', '"\\195\\164\\255"'],
    ("alias.test.", "CNAME"): ["text.test."],
    ("host.test.", "A"): ["192.0.2.1"],
    ("host.test.", "AAAA"): ["2001:db8::1"],
    ("host.test.", "MX"): ["20 B.host.test.", "10 a.host.test."],
}


async def test_records_are_asked_for_by_kind() -> None:
    async with DnsServer(ZONE) as server:
        records = DnsRecords(Lookups(server.resolver(), timeout_seconds=1))
        assert set(await records.texts("text.test")) == {"v=spf1 -all", "ä\N{REPLACEMENT CHARACTER}"}
        assert set(await records.texts("alias.test")) == set(await records.texts("text.test."))
        assert [str(one) for one in await records.addresses("host.test", version=4)] == ["192.0.2.1"]
        assert [str(one) for one in await records.addresses("host.test", version=6)] == ["2001:db8::1"]
        assert await records.exchanges("host.test") == ["a.host.test", "b.host.test"]
        assert await records.texts("nobody.test") == await records.texts("a..b") == []
        server.failing.add("text.test.")
        with pytest.raises(NoAnswer):
            await records.texts("text.test")
