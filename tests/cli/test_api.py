"""Who a client is behind a reverse proxy."""

import httpx2
import pytest

from app.cli.api import configuration
from app.main import create_app
from app.settings import Proxy, Settings
from tests.web.conftest import Stage, stage

__all__ = ["stage"]

CLIENT = ("10.1.2.3", 4711)


async def ip_seen(settings: Settings, stage: Stage, forwarded: str | None) -> str:
    """Fetch a pixel as a client (or proxy) at CLIENT; return whose open it was."""
    application = create_app(settings)
    config = configuration(application, settings)
    config.load()
    headers = {"X-Forwarded-For": forwarded} if forwarded is not None else {}
    transport = httpx2.ASGITransport(config.loaded_app, client=CLIENT)
    async with application.running(), httpx2.AsyncClient(transport=transport, base_url="http://m.example") as client:
        assert (await client.get(stage.links.pixel, headers=headers)).status_code == 200
    (row,) = await stage.fetch("DELETE FROM opens RETURNING ip")
    return str(row["ip"])


@pytest.mark.usefixtures("broker_url")
async def test_x_forwarded_for_is_believed_from_trusted_proxies_alone(stage: Stage) -> None:
    def trusting(*trusted: str) -> Settings:
        return stage.settings.model_copy(update={"proxy": Proxy(trusted=list(trusted))})

    for settings in (trusting(), trusting("10.9.9.9"), trusting("192.168.0.0/16")):
        assert await ip_seen(settings, stage, "203.0.113.9") == CLIENT[0]
    network = trusting("10.0.0.0/8", "2001:db8::/32")
    assert await ip_seen(network, stage, None) == CLIENT[0]
    assert await ip_seen(network, stage, "203.0.113.9") == "203.0.113.9"
    assert await ip_seen(network, stage, "198.51.100.1, 203.0.113.9, 10.5.5.5") == "203.0.113.9"
    assert await ip_seen(trusting("10.1.2.3"), stage, "2001:DB8:0::1") == "2001:db8::1"
    for forged in ("<script>", "a" * 3000, "203.0.113.9:99999999999999", ",,,", "fe80::1%eth0"):
        assert await ip_seen(network, stage, forged) in {"", CLIENT[0], "203.0.113.9", "fe80::1"}
