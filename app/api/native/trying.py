"""What templates, campaigns and drafts have in common when people look at them: rendering, and test mails.

Also what every mail needs that is written inside the request's own transaction. May import the core's front doors.

Source: docs/contract/native.md, 9 and 10.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, Field

from app.api.native.auth import bearer_key
from app.api.native.bodies import Body
from app.api.native.ids import which
from app.core import transactional
from app.core.accounts import Caller, Scope
from app.core.errors import NotFound
from app.core.messages import Author, OnBehalf, email_id
from app.core.transactional import Reader, Rendered, Trial, Wording
from app.db.unit_of_work import ReadSession, WriteSession
from app.dependencies import Runtime

Result = TypeVar("Result")
Plain = str | int | float | bool | None
Values = Annotated[
    dict[str, Plain] | None,
    Field(default=None, description="Values by name, in any case.", examples=[{"FIRST_NAME": "Ann"}]),
]


class RenderIn(Body):
    """For whom something is rendered: a contact, values, or both, of which the values win."""

    contact_id: str | None = None
    values: Values = None


class RenderOut(BaseModel):
    """A content as that person would see it."""

    subject: str
    preheader: str
    html: str | None
    text: str | None
    warnings: list[str] = Field(examples=[["unknown name: FIRSTNAME", "no unsubscribe link"]])


class TestedOut(BaseModel):
    """One test mail."""

    email_id: str
    recipient: str


class TestSendOut(BaseModel):
    """The test mails, one for each address."""

    messages: list[TestedOut]


def named(text: str | None) -> str | UUID | None:
    """Return an identifier of a body for a verb of the core; one of no known form names nothing."""
    if text is None:
        return None
    try:
        return which(text)
    except NotFound:
        return ""


def as_texts(values: Mapping[str, Plain] | None) -> dict[str, str]:
    """Return plain JSON values as texts; null is blank."""
    return {name: _text(value) for name, value in (values or {}).items()}


async def rendered(read: ReadSession, runtime: Runtime, account_id: int, wording: Wording, body: RenderIn) -> RenderOut:
    """Return a content rendered as a body asks for.

    Raises:
        Invalid: As `transactional.preview` has it.
    """
    reader = Reader(named(body.contact_id), as_texts(body.values))
    public_url = runtime.settings.public_url
    shown = await transactional.preview(
        read, account_id, wording, reader, public_url=public_url, now=runtime.clock.now()
    )
    return _shown(shown)


async def tested(request: Request, write: WriteSession, runtime: Runtime, caller: Caller, trial: Trial) -> TestSendOut:
    """Send test mails as a part of the request's transaction, and return what the answer says.

    Raises:
        Invalid: As `transactional.send_tests` has it.
        QuotaExceeded: The monthly limit would be passed.
    """
    settings = runtime.settings

    async def attempt(author: Author) -> list[transactional.Tested]:
        return await transactional.send_tests(
            write,
            author,
            trial,
            public_url=settings.public_url,
            received_at=runtime.clock.now(),
            default_cap=settings.quota.default_monthly,
        )

    sent = await written_by(request, runtime, caller, attempt)
    node = settings.node_name
    return TestSendOut(
        messages=[
            TestedOut(email_id=email_id(one.accepted_at, one.message_id, node), recipient=one.recipient) for one in sent
        ]
    )


async def written_by(
    request: Request, runtime: Runtime, caller: Caller, attempt: Callable[[Author], Awaitable[Result]]
) -> Result:
    """Write mail in the request's transaction; again when the account has changed since the key was looked up.

    Args:
        request: With the key.
        runtime: Of the process.
        caller: Whose mail it is, as last read.
        attempt: Writes for an author; it has written no mail when it raises `StaleCaller`.

    Raises:
        Unauthenticated, Forbidden, Overloaded: As `KeyRing.acting`.
    """

    def act(known: Caller) -> Awaitable[Result]:
        # Whom a key belongs to now is not always whom the request acts for; that the key may send still is enough.
        return attempt(caller if known is caller else OnBehalf(caller.account_id))

    return await runtime.keys.acting(bearer_key(request), caller, Scope.SEND, act)


def _shown(shown: Rendered) -> RenderOut:
    return RenderOut(
        subject=shown.subject,
        preheader=shown.preheader,
        html=shown.html,
        text=shown.text,
        warnings=list(shown.warnings),
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
