"""Dyno Email Marketing: `/campaign_process/...`. Imports the front doors of the core and the modules of this family.

Source: docs/contract/dyno.md, 8.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from app.api.dyno.auth import Call, Calling
from app.api.dyno.bodies import Members, about, described, text_of
from app.api.dyno.envelope import answered
from app.api.dyno.process_view import process_data
from app.core import campaigns
from app.core.accounts import Scope
from app.core.campaigns import Order, Overrides, Verb
from app.core.errors import Conflict, Fault, FieldFault, Invalid, NotFound

IDS = ("campaign_id", "id", "campaign_process_id")
"""Where a campaign may be named, in the order in which they are looked at."""
TIMES = ("iso_start_time", "time_zone")
TEXTS = ("subject", "from_name", "from_email", "preview_message")

_NAMES = {"audience": "list_id", "content": "email_content", "preheader": "preview_message"}
"""What this family calls the core's values."""
_ORDER = ("list_id", "email_content", "subject", "from_email")
"""In which what is missing is named."""
_VALUES = frozenset({"iso_start_time", "time_zone", "from_email"})
"""Parameters of which nothing more is said than that they are not valid."""


@dataclass(frozen=True, slots=True)
class Line:
    """A call.

    Attributes:
        path: Behind `/campaign_process/`.
        verb: What it does.
        first_id: The parameter that is missed when nothing is named.
        refusal: What a state that does not allow it is answered with.
        is_timed: Whether it takes a time.
        overrides: Whether it takes texts.
    """

    path: str
    verb: Verb
    first_id: str
    refusal: str
    is_timed: bool = False
    overrides: bool = False


TABLE = (
    Line("init", Verb.START, "campaign_id", "CAMPAIGN IS ALREADY ACTIVE", is_timed=True, overrides=True),
    Line("update_and_resume", Verb.UPDATE_AND_RESUME, "campaign_id", "CAMPAIGN IS NOT PAUSED", overrides=True),
    Line("reschedule", Verb.SCHEDULE, "campaign_id", "CAMPAIGN IS NOT SCHEDULED", is_timed=True, overrides=True),
    Line("cancel_schedule", Verb.CANCEL_SCHEDULE, "id", "CAMPAIGN IS NOT SCHEDULED"),
    Line("stop", Verb.STOP, "id", "CAMPAIGN IS NOT ACTIVE"),
    Line("pause", Verb.PAUSE, "id", "CAMPAIGN IS NOT RUNNING"),
    Line("resume", Verb.RESUME, "id", "CAMPAIGN IS NOT PAUSED"),
)


async def serve(call: Call, line: Line) -> Response:
    """Do what one of the calls asks for.

    Raises:
        Invalid: Parameters, or what the campaign lacks.
        NotFound: No such campaign or process.
        Forbidden: The key may not write.
        Conflict: The state does not allow it.
        QuotaExceeded: The monthly limit is used up.
    """
    body = await call.body()
    which = _which(body, line)
    try:
        order = _order(body, line)
        campaigns.check_order(order)
        async with call.writing() as write:
            one = await campaigns.named(write, call.account_id, _uuid(which))
            call.require(Scope.WRITE)
            cap = call.runtime.settings.quota.default_monthly
            run = await campaigns.command(write, one, line.verb, order, default_cap=cap)
            shown = None if run is None else await campaigns.show(write, one.campaign, run)
            return answered(process_data(call.user_id, one.campaign, shown))
    except Conflict:
        raise Conflict(line.refusal) from None
    except Invalid as error:
        raise Invalid(_named(error)) from None


def _which(body: Members, line: Line) -> str:
    """Return the id that is given first.

    Raises:
        Invalid: None is.
    """
    for name in IDS:
        text = (text_of(body, name) or "").strip()
        if text:
            return text
    raise Invalid(about(line.first_id, fault=Fault.REQUIRED))


def _uuid(text: str) -> UUID:
    """Return an id that clients treat as opaque.

    Raises:
        NotFound: It is none of ours.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("no such campaign") from None


def _order(body: Members, line: Line) -> Order:
    """Return what came with the call; blank means absent.

    Raises:
        Invalid: Something is no text.
    """

    def given(name: str) -> str | None:
        text = (text_of(body, name) or "").strip()
        return text or None

    local, zone = (given("iso_start_time"), given("time_zone")) if line.is_timed else (None, None)
    if not line.overrides:
        return Order(local, zone)
    overrides = Overrides(
        subject=given("subject"),
        from_name=given("from_name"),
        from_email=given("from_email"),
        preheader=given("preview_message"),
    )
    return Order(local, zone, overrides)


def _named(error: Invalid) -> list[FieldFault]:
    """Return what is wrong in this family's words, what is missing in its order."""
    faults = [FieldFault(_NAMES.get(fault.field, fault.field), fault.fault, _message(fault)) for fault in error.faults]
    return sorted(faults, key=lambda fault: _ORDER.index(fault.field) if fault.field in _ORDER else -1)


def _message(fault: FieldFault) -> str:
    return "is not valid" if fault.fault is Fault.INVALID and fault.field in _VALUES else fault.message


def _endpoint(line: Line) -> Callable[[Call], Awaitable[Response]]:
    async def endpoint(call: Calling) -> Response:
        return await serve(call, line)

    return endpoint


router = APIRouter(prefix="/campaign_process", redirect_slashes=False)
for _line in TABLE:
    _names = (*IDS, *(TIMES if _line.is_timed else ()), *(TEXTS if _line.overrides else ()))
    router.add_api_route(
        f"/{_line.path}",
        _endpoint(_line),
        methods=["POST"],
        operation_id=f"dyno_campaign_process_{_line.path}",
        openapi_extra=described(*_names),
    )
