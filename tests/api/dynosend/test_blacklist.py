"""The blacklist (docs/contract/dynosend.md, 11)."""

import pytest

from app.kit.uids import Noun, uid
from tests.api.dynosend.conftest import Ask
from tests.factories import Factories, MadeAccount


@pytest.mark.parametrize(
    ("reason", "shown"),
    [("hardbounce", "bounced"), ("softbounce", "bounced"), ("complaint", "complained"), ("manual", "manual"),
     ("unsubscribe", None)],
)  # fmt: skip
async def test_each_reason_has_its_word(
    reason: str, shown: str | None, ask: Ask, make: Factories, account: MadeAccount
) -> None:
    await make.suppression(account.id, "jo@example.org", reason=reason)
    answer = (await ask("POST /blacklist", {"email": " JO@Example.org"})).json()
    assert list(answer) == ["status", "email", "blacklisted", "blacklist_time", "reason"]
    assert (answer["status"], answer["email"], answer["reason"]) == ("success", "jo@example.org", shown)
    assert answer["blacklisted"] is (shown is not None)
    assert (answer["blacklist_time"] is None) is (shown is None)


async def test_adding_keeps_what_is_there_and_replaces_an_unsubscription(
    ask: Ask, make: Factories, account: MadeAccount
) -> None:
    audience = await make.audience(account)
    await make.contact(audience, "new@example.org")
    await make.suppression(account.id, "old@example.org", reason="complaint")
    await make.suppression(account.id, "left@example.org", reason="unsubscribe")
    for email, reason in [
        ("new@example.org", "manual"),
        ("old@example.org", "complained"),
        ("left@example.org", "manual"),
    ]:
        answer = await ask("POST /blacklist/add", {"email": email.upper()})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await ask("POST /blacklist", {"email": email})).json()["reason"] == reason
    whose = {"audience_uid": uid(Noun.AUDIENCE, audience.id)}
    assert (await ask("GET /contacts", whose)).json()[0]["status"] == "blacklisted"


async def test_the_address_is_needed(ask: Ask) -> None:
    for path in ("/blacklist", "/blacklist/add"):
        for given, message in [
            ({}, "The email field is required."),
            ({"email": " "}, "The email field is required."),
            ({"email": "nonsense"}, "The email must be a valid email address."),
            ({"EMAIL": "nonsense"}, "The EMAIL must be a valid email address."),
        ]:
            answer = await ask(f"POST {path}", given)
            assert (answer.status_code, answer.json()["message"]) == (400, message)
