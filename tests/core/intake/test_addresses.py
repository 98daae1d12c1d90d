"""Which addresses are ours, and which copy they name."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import intake
from app.core.intake import Destination, Keys, Purpose
from app.core.intake.addresses import copy_of
from app.kit.secrets import derive
from app.mail import tracking, verp

NEW, OLD, OTHER = "n" * 32, "o" * 32, "x" * 32
KEYS = Keys.of([NEW, OLD])
AT = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECONDS = int(AT.timestamp())


def report_token(secret: str = NEW, message_id: int = 7) -> str:
    return verp.encode(derive(secret, "verp"), accepted_at=SECONDS, message_id=message_id)


def link_token(purpose: tracking.Purpose = tracking.Purpose.UNSUBSCRIBE, secret: str = NEW) -> str:
    tokens = tracking.Tokens(derive(secret, "tracking"), accepted_at=SECONDS, message_id=7)
    return tokens.of(purpose).decode()


@pytest.mark.parametrize("secret", [NEW, OLD])
def test_a_return_path_names_its_copy_under_every_key(secret: str) -> None:
    token = report_token(secret)
    for address in (
        verp.return_path(token, "jo@example.org", "bounces.example.com"),
        f"bounces+{token}@bounces.example.com",
        f"BOUNCES+{token.upper()}+jo=example.org@dynrp.example.com",
    ):
        assert intake.destination(KEYS, address) == Destination(Purpose.REPORT, 7, AT)


def test_the_other_two_addresses() -> None:
    assert intake.destination(KEYS, "FBL@bounces.example.com") == Destination(Purpose.FEEDBACK)
    assert intake.destination(KEYS, f"unsubscribe+{link_token()}@bounces.example.com") == Destination(
        Purpose.UNSUBSCRIBE, 7, AT
    )


@pytest.mark.parametrize(
    "local",
    [
        "",
        "bounces",
        "bounces+",
        "postmaster",
        "fbl+x",
        f"bounces+{report_token(OTHER)}",
        f"bounces+{report_token()}x",
        f"bounces+{report_token()[:-1]}",
        f"bounces-{report_token()}",
        f"xbounces+{report_token()}",
        f"bounces+{link_token()}",
        f"unsubscribe+{report_token()}",
        f"unsubscribe+{link_token(secret=OTHER)}",
        *(f"unsubscribe+{link_token(one)}" for one in tracking.Purpose if one is not tracking.Purpose.UNSUBSCRIBE),
        "bounces+" + "a" * 24,
        "bounces+" + "7" * 24,
        "unsubscribe+" + "a" * 24,
        "bounces+" + "a" * 100_000,
    ],
)
def test_what_was_not_made_by_us_for_this_purpose_is_nobody(local: str) -> None:
    assert intake.destination(KEYS, f"{local}@bounces.example.com") is None


def test_a_changed_token_is_nobody() -> None:
    token = report_token()
    for place in range(len(token)):
        other = "a" if token[place] != "a" else "b"
        assert intake.destination(KEYS, f"bounces+{token[:place]}{other}{token[place + 1 :]}@x.example") is None


@given(st.text(max_size=80))
def test_no_address_breaks_it(text: str) -> None:
    for address in (text, f"bounces+{text}@x", f"unsubscribe+{text}@x"):
        assert intake.destination(KEYS, address) is None
    assert copy_of(KEYS, text) is None


def test_the_header_of_a_returned_mail_names_its_copy() -> None:
    assert copy_of(KEYS, report_token(OLD, 9)) == (9, AT)
    assert copy_of(KEYS, report_token(OTHER)) is None
    assert copy_of(KEYS, None) is None
