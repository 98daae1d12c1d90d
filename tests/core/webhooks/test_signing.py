"""Signatures, as others verify them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
import standardwebhooks

from app.core.webhooks.signing import headers, message_id, new_secret, signature
from tests.core.webhooks.verifying import Received

EVENT = UUID("5f0d7c3a-91b2-8c4e-a1d0-2b7e151628ae")
BODY = (
    '{"type":"contact.created","timestamp":"2026-01-05T09:00:00.000Z","data":{"recipient":"jö@example.org"}}'.encode()
)


def test_a_receiver_that_knows_the_secret_takes_it() -> None:
    first, second = new_secret(), new_secret()
    sent = headers(EVENT, BODY, (first, second), datetime(2024, 4, 22, 16, 22, 10, 900_000, tzinfo=UTC))
    assert sent["webhook-id"] == "evt_5f0d7c3a-91b2-8c4e-a1d0-2b7e151628ae" == message_id(EVENT)
    assert sent["webhook-timestamp"] == "1713802930"
    got = Received(sent["webhook-id"], 1713802930, tuple(sent["webhook-signature"].split(" ")), BODY)
    assert got.is_signed(first)
    assert got.is_signed(second)
    assert not got.is_signed(new_secret())
    for changed in (
        Received("evt_other", got.timestamp, got.signatures, BODY),
        Received(got.id, got.timestamp + 1, got.signatures, BODY),
        Received(got.id, got.timestamp, got.signatures, BODY + b" "),
    ):
        assert not changed.is_signed(first)


def test_the_known_answer() -> None:
    secret, body = "whsec_plJ3nmyCDGBKInavdOK15jsl", b'{"event_type":"ping","data":{"success":true}}'
    expected = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
    assert signature(secret, "msg_loFOjxBNrRLzqYUf", 1731705121, body) == expected


def test_the_public_library_takes_it() -> None:
    secret = new_secret()
    sent = headers(EVENT, BODY, (new_secret(), secret), datetime.now(UTC))
    assert standardwebhooks.Webhook(secret).verify(BODY, sent)["type"] == "contact.created"
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(new_secret()).verify(BODY, sent)
