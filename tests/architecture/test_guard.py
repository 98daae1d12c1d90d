"""The guard of `tests/conftest.py` holds."""

import asyncio
import socket

import pytest


async def test_nothing_leaves_this_machine() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, pytest.raises(PermissionError):
        datagram.sendto(b"x", ("192.0.2.1", 9))
    with pytest.raises(PermissionError):
        await asyncio.open_connection("192.0.2.1", 9)
