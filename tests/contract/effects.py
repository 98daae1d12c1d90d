"""The effects that vectors.yaml states in words, checked against rows and against the bytes at an SMTP server."""

import email
import email.policy
from collections.abc import Awaitable, Callable, Mapping
from email.message import EmailMessage

from tests.contract.stage import Scene

COPIES = "SELECT id, recipient, mail_id, x_headers FROM messages WHERE mail_id > 0 ORDER BY id"


async def _mails(scene: Scene, *recipients: str) -> list[EmailMessage]:
    """Deliver; check that these recipients got a copy each, and return what they got in their order."""
    received = {message.recipient: message.data for message in await scene.delivered()}
    assert set(received) == set(recipients)
    copies = await scene.rows(COPIES)
    assert sorted(copy["recipient"] for copy in copies) == sorted(recipients)
    assert len({copy["id"] for copy in copies}) == len(recipients)
    return [email.message_from_bytes(received[recipient], policy=email.policy.SMTP) for recipient in recipients]


def _raw(data: EmailMessage, name: str) -> str:
    """Return a header as it was written, unfolded."""
    found = [value for key, value in data.raw_items() if key.lower() == name.lower()]
    assert len(found) == 1, f"{name}: {found}"
    return str(found[0]).replace("\r\n", "").strip()


async def _one_mail_for_three(scene: Scene) -> None:
    recipients = [f"customer{number}@domain.example" for number in (1, 2, 3)]
    mails = await _mails(scene, *recipients)
    assert len(await scene.rows("SELECT id FROM mails")) == 1
    assert len({_raw(mail, "Message-ID") for mail in mails}) == 1
    assert len({_raw(mail, "X-Trireme-Message") for mail in mails}) == len(recipients)
    for mail in mails:
        assert _raw(mail, "To") == ", ".join(recipients)
        assert _raw(mail, "Subject") == "New Sale Coming Friday"
        assert mail.get_content_type() == "text/plain"
        assert mail.get_content().strip() == "You will love this sale."


async def _names_and_blind_copies(scene: Scene) -> None:
    for mail in await _mails(scene, "a@domain.example", "b@domain.example", "c@domain.example"):
        assert _raw(mail, "To") == 'a@domain.example, "Doe, Jo" <b@domain.example>'
        assert mail["Cc"] is None
        assert mail["Bcc"] is None
        assert ("x-demonheader", "zoom") in list(mail.raw_items())
        assert _raw(mail, "Reply-To") == "sender1@example.com"


async def _lists_as_text(scene: Scene) -> None:
    for mail in await _mails(scene, "b@domain.example", "c@domain.example"):
        assert _raw(mail, "To") == "b@domain.example, c@domain.example"
        assert _raw(mail, "X-Campaign") == "spring"
    stored = [
        row["x_headers"] for row in await scene.rows(COPIES.replace("x_headers", "x_headers->>'X-Campaign' x_headers"))
    ]
    assert stored == ["spring", "spring"]


async def _from_unchanged(scene: Scene) -> None:
    (mail,) = await _mails(scene, "only@recipient.example")
    assert _raw(mail, "From") == "=?UTF-8?B?4p2k77iP?= <sender1@example.com>"


async def _refused(scene: Scene) -> None:
    assert not await scene.rows(COPIES)
    issues = await scene.rows("SELECT account_id, issue_type, address, sender FROM issues")
    assert issues == [
        {
            "account_id": scene.world.accounts["master"].id,
            "issue_type": "unapprovedsender",
            "address": "jo@example.org",
            "sender": "stranger@example.net",
        }
    ]


async def _decoded(scene: Scene) -> None:
    (mail,) = await _mails(scene, "jo@example.org")
    assert mail.get_content().strip() == "Grüße"
    issues = await scene.rows("SELECT issue_type, address FROM issues")
    assert issues == [{"issue_type": "invalidmessage", "address": "jo@example.org"}]


async def _taken_for_the_simulator(scene: Scene) -> None:
    # The rest of dyn-email-23 is what the simulator and the postbacks do.
    copies = await scene.rows("SELECT recipient, x_headers::text AS x FROM messages WHERE mail_id > 0")
    assert copies == [{"recipient": "hardbounce+v23@simulator.test", "x": '{"X-A": "one", "X-A-B": "two words"}'}]


EFFECTS: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    "dyn-email-09": _one_mail_for_three,
    "dyn-email-10": _names_and_blind_copies,
    "dyn-email-11": _lists_as_text,
    "dyn-email-12": _from_unchanged,
    "dyn-email-13": _refused,
    "dyn-email-14": _decoded,
}
"""By vector, for all that it asks for."""

EFFECTS_SO_FAR: Mapping[str, Callable[[Scene], Awaitable[None]]] = {
    **EFFECTS,
    "dyn-email-23": _taken_for_the_simulator,
}
"""Of the steps that are routed already, of vectors that are not whole."""
