"""Key records (RFC 6376, 3.6.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.dkim import make_key
from app.mail.published.dkim_key import MAX_RECORD, publishes_key, read_key, tags_of
from app.mail.published.records import NoAnswer
from tests.mail.published.kit import SILENT, Zone

NAME = "m1._domainkey.example.com"
KEY = make_key("rsa")[1].partition("p=")[2]
ED = make_key("ed25519")[1].partition("p=")[2]

GOOD = [
    f"v=DKIM1; k=rsa; p={KEY}",
    f"p={KEY}",
    f"v=DKIM1;p={KEY[:100]} \t{KEY[100:]};",
    f" v = DKIM1 ; h=sha1:sha256; s=email ; t=y:s; n=a note ; p = {KEY}\r\n ",
    f"k=RSA; s=*; x=unknown; p={KEY.rstrip('=')}",
]
BAD = [
    f"v=DKIM2; p={KEY}",
    f"k=rsa; v=DKIM1; p={KEY}",
    f"v=DKIM1; p={KEY}; p={KEY}",
    "v=DKIM1; k=rsa; p=",
    "v=DKIM1; k=rsa",
    f"v=DKIM1; k=ed25519; p={KEY}",
    f"v=DKIM1; h=sha1; p={KEY}",
    f"v=DKIM1; s=other; p={KEY}",
    f"v=DKIM1; p={KEY[:-8]}",
    f"v=DKIM1; p={KEY}!",
    f"v=DKIM1 p={KEY}",
    "",
    ";",
    f"p={KEY}; n={'x' * MAX_RECORD}",
]


@pytest.mark.parametrize("record", GOOD)
async def test_our_key_is_found(record: str) -> None:
    assert await publishes_key(Zone({NAME: [record]}), NAME, key_type="rsa", key=KEY)
    assert await publishes_key(Zone({NAME: ["v=spf1 -all", record, "n=not a key"]}), NAME, key_type="rsa", key=KEY)


@pytest.mark.parametrize("record", BAD)
async def test_what_is_not_our_key_is_not_found(record: str) -> None:
    assert not await publishes_key(Zone({NAME: [record]}), NAME, key_type="rsa", key=KEY)


async def test_a_second_key_beside_ours_spoils_it_and_silence_says_nothing() -> None:
    for other in (f"v=DKIM1; k=ed25519; p={ED}", "v=DKIM1; p="):
        assert not await publishes_key(Zone({NAME: [GOOD[0], other]}), NAME, key_type="rsa", key=KEY)
    assert await publishes_key(Zone({NAME: [f"v=DKIM1; k=ed25519; p={ED}"]}), NAME, key_type="ed25519", key=ED)
    assert not await publishes_key(Zone({}), NAME, key_type="rsa", key=KEY)
    assert not await publishes_key(Zone({NAME: ["p="]}), NAME, key_type="rsa", key="")
    with pytest.raises(NoAnswer):
        await publishes_key(Zone({}), SILENT, key_type="rsa", key=KEY)


@given(st.text(st.sampled_from("vkpshtn=:; \t\r\nDKIM1rsa*AQ/+\x00ä"), max_size=200) | st.text(max_size=300))
def test_any_text_is_read_or_not(record: str) -> None:
    tags, key = tags_of(record), read_key(record)
    assert (key is None) or (tags is not None and key.key == "".join(key.key.split()))
