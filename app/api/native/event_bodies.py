"""What `POST /events` is given: an event, and `data` by its type. Source: docs/contract/native.md, 12."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic import ValidationError as PydanticError
from pydantic_core import PydanticCustomError

from app.core import ingest
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.core.ingest import EventKind
from app.core.metrics import Category
from app.core.suppressions import Reason
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.models.bounce import BounceType
from app.models.issue import IssueType
from app.models.unsubscription import Means

MAX_X_HEADERS = 4
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}", re.ASCII)
_X_HEADER = re.compile(r"[Xx]-[A-Za-z0-9_-]{1,98}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def _rfc_3339(value: object) -> object:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise PydanticCustomError("rfc_3339", "should be a time as RFC 3339 has it")
    return value


def _utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise PydanticCustomError("rfc_3339", "should be a time of our era") from error


def _storable(text: str) -> str:
    if not is_storable(text):
        raise PydanticCustomError("text", "holds a character that cannot be stored")
    return text


def _code(text: str) -> str:
    if text and not _CODE.fullmatch(text):
        raise PydanticCustomError("code", "should be an enhanced status code such as 5.1.1")
    return text


def _address(text: str) -> str:
    try:
        return parse_mailbox(text).address
    except InvalidAddress as error:
        raise PydanticCustomError("address", "is no e-mail address") from error


def _account(value: object) -> UUID | int:
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            return int(value)
        try:
            return UUID(value)
        except ValueError:
            pass
    elif isinstance(value, int) and not isinstance(value, bool):
        return value
    raise PydanticCustomError("account", "should be the id of an account")


def _x_headers(values: dict[str, str]) -> dict[str, str]:
    if not all(map(_X_HEADER.fullmatch, values)) or len({name.lower() for name in values}) < len(values):
        raise PydanticCustomError("x_headers", "holds what is no name of an X-header, or one twice")
    return values


def _name(text: str) -> str:
    if text.startswith(" ") or text != text.strip() or not text.isprintable():
        raise PydanticCustomError("email_id", "should be printable, without blanks around it")
    return text


Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_rfc_3339), AfterValidator(_utc)]
Text: TypeAlias = Annotated[str, AfterValidator(_storable)]
Line: TypeAlias = Annotated[Text, Field(max_length=2000)]
Code: TypeAlias = Annotated[str, AfterValidator(_code)]
Address: TypeAlias = Annotated[str, Field(max_length=2000), AfterValidator(_address)]


class EventIn(BaseModel):
    """One event; `account_id` may be left out for one's own, `email_id` when there is no other event of the mail."""

    model_config = ConfigDict(extra="forbid")

    type: EventKind
    occurred_at: Moment
    account_id: Annotated[
        UUID | int | None, BeforeValidator(lambda value: value if value is None else _account(value))
    ] = None
    sender: Address | None = None
    recipient: Address | None = None
    email_id: Annotated[
        Text | None,
        Field(min_length=1, max_length=ingest.MAX_EMAIL_ID),
        AfterValidator(lambda text: text and _name(text)),
    ] = None
    x_headers: (
        Annotated[
            dict[str, Annotated[Text, Field(max_length=500)]],
            Field(max_length=MAX_X_HEADERS),
            AfterValidator(_x_headers),
        ]
        | None
    ) = None
    data: dict[str, Any] | None = None


class DataIn(BaseModel):
    """What every `data` may have."""

    model_config = ConfigDict(extra="forbid")

    accepted_at: Moment | None = None

    def facts(self) -> Any:
        """Return what the core calls it."""
        return None


class DeferredIn(DataIn):
    """An attempt that failed for the time being."""

    code: Code = ""
    diagnostic: Line = ""
    host: Line = ""

    def facts(self) -> ingest.Deferred:
        """Return what the core calls it."""
        return ingest.Deferred(self.code, self.diagnostic, self.host)


class BouncedIn(DataIn):
    """A bounce; `rule` is what we show, and follows from the rest."""

    bounce_type: BounceType
    category: Category = Category.UNCLASSIFIED
    code: Code = ""
    rule: Line = ""
    regex_name: Line = ""
    diagnostic: Text = ""
    full_content: Text = ""

    def facts(self) -> ingest.Bounced:
        """Return what the core calls it."""
        code = self.code or ("5.0.0" if self.bounce_type is BounceType.HARD else "4.0.0")
        diagnostic = self.diagnostic.removeprefix("smtp;")  # which stands before it wherever it is shown
        return ingest.Bounced(
            self.bounce_type,
            self.category,
            code,
            self.regex_name,
            diagnostic,
            self.full_content or diagnostic,
        )


class BlockedIn(DataIn):
    """Why it was not sent."""

    blocked_reason: Reason

    def facts(self) -> ingest.Blocked:
        """Return what the core calls it."""
        return ingest.Blocked(self.blocked_reason)


class OpenedIn(DataIn):
    """Who came; `unique` is what we show, and follows from the rest."""

    ip: Annotated[Text, Field(max_length=45)] = ""
    user_agent: Text = ""
    unique: bool | None = None

    def facts(self) -> ingest.Visited:
        """Return what the core calls it."""
        return ingest.Visited(self.ip, self.user_agent)


class ClickedIn(OpenedIn):
    """Who came, and where the link led."""

    url: Annotated[Text, Field(min_length=1, max_length=8000)]

    def facts(self) -> ingest.Visited:
        """Return what the core calls it."""
        return ingest.Visited(self.ip, self.user_agent, self.url)


class ComplainedIn(DataIn):
    """Who told."""

    source: Line = ""
    full_content: Text = ""

    def facts(self) -> ingest.Complained:
        """Return what the core calls it."""
        return ingest.Complained(self.source, self.full_content)


class UnsubscribedIn(DataIn):
    """How it was said."""

    means: Means = Means.PAGE
    ip: Annotated[Text, Field(max_length=45)] = ""
    user_agent: Text = ""

    def facts(self) -> ingest.Unsubscribed:
        """Return what the core calls it."""
        return ingest.Unsubscribed(self.means, self.ip, self.user_agent)


class RefusedIn(DataIn):
    """Why it was refused."""

    issue_type: IssueType
    description: Line = ""

    def facts(self) -> ingest.Refused:
        """Return what the core calls it."""
        return ingest.Refused(self.issue_type, self.description)


_DATA: dict[EventKind, type[DataIn]] = {
    EventKind.ACCEPTED: DataIn,
    EventKind.DELIVERED: DataIn,
    EventKind.DEFERRED: DeferredIn,
    EventKind.BOUNCED: BouncedIn,
    EventKind.BLOCKED: BlockedIn,
    EventKind.OPENED: OpenedIn,
    EventKind.CLICKED: ClickedIn,
    EventKind.COMPLAINED: ComplainedIn,
    EventKind.UNSUBSCRIBED: UnsubscribedIn,
    EventKind.REFUSED: RefusedIn,
}


def event_of(given: EventIn, own_account: UUID) -> ingest.Event:
    """Return an event as the core takes it.

    Args:
        given: Checked.
        own_account: Whose it is when none is named.

    Raises:
        Invalid: Its `data` are not those of its type.
    """
    kind = given.type
    try:
        data = _DATA[kind].model_validate(given.data or {})
    except PydanticError as error:
        raise Invalid(list(map(_data_fault, error.errors()))) from error
    return ingest.Event(
        kind=kind,
        occurred_at=given.occurred_at,
        account=own_account if given.account_id is None else given.account_id,
        sender=given.sender,
        recipient=given.recipient,
        email_id=given.email_id,
        accepted_at=data.accepted_at,
        x_headers=given.x_headers or None,
        facts=data.facts(),
    )


_FAULTS = {
    "missing": Fault.REQUIRED,
    "extra_forbidden": Fault.UNKNOWN,
    "string_too_long": Fault.TOO_LONG,
    "too_long": Fault.TOO_LONG,
}


def _data_fault(error: Any) -> FieldFault:
    field = ".".join(("data", *(str(part) for part in error["loc"])))
    message: str = error["msg"]
    return FieldFault(field, _FAULTS.get(error["type"], Fault.INVALID), message[:1].lower() + message[1:])
