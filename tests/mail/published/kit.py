"""DNS in a dictionary, for what is asked of it."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from app.mail.published.records import Address, NoAnswer

SILENT = "silent.test"


class Zone:
    """Answers from texts (`name`), addresses (`name A`, `name AAAA`) and hosts (`name MX`); notes what was asked."""

    def __init__(self, zone: Mapping[str, Sequence[str]]) -> None:
        self.zone = zone
        self.asked: list[str] = []

    def _get(self, key: str) -> Sequence[str]:
        self.asked.append(key)
        if key.split(" ", maxsplit=1)[0] == SILENT:
            raise NoAnswer(key)
        return self.zone.get(key, ())

    async def texts(self, name: str) -> Sequence[str]:
        return self._get(name)

    async def addresses(self, name: str, *, version: int) -> Sequence[Address]:
        return [ip_address(one) for one in self._get(f"{name} {'A' if version == 4 else 'AAAA'}")]

    async def exchanges(self, name: str) -> Sequence[str]:
        return self._get(f"{name} MX")
