"""Dynosend: contacts. Imports the front doors of contacts and audiences. Source: docs/contract/dynosend.md, 7."""

from starlette.responses import Response

from app.api.dynosend.auth import Call, address_of_client
from app.api.dynosend.contact_list import field_tags, listed, written
from app.api.dynosend.envelope import done, json_answer
from app.core import audiences, contacts, suppressions
from app.core.accounts import Scope
from app.core.contacts import Contact, ContactStatus
from app.core.errors import Conflict, Fault, FieldFault, Invalid
from app.core.suppressions import Reason
from app.db.unit_of_work import ReadSession, WriteSession
from app.kit.uids import Noun, uid

SOURCE = "api"


async def show(call: Call) -> Response:
    """List the contacts of an audience, or show the one that is named (7.1, 7.3).

    Raises:
        Invalid: A parameter is missing or bad.
        NotFound: No such audience or contact.
        Forbidden: The key may not read.
    """
    checks = call.checks()
    audience = checks.uid("audience_uid")
    names_one = call.input.given("contact_uid", "email", "EMAIL") is not None
    which = checks.contact() if names_one else ""
    checks.done()
    if not names_one:
        return await listed(call, audience)
    async with call.reading() as read:
        contact = await contacts.get(read, call.account_id, audience, which)
        call.require(Scope.READ)
        tags = await field_tags(call, read, contact.audience_id)
    return json_answer({"contact": written(call, contact, tags)})


async def duplicates(call: Call) -> Response:
    """List the contacts of an address in all audiences (7.4).

    Raises:
        Invalid: The address is missing or bad.
        Forbidden: The key may not read.
    """
    checks = call.checks()
    email = checks.address("email", "EMAIL")
    checks.done()
    call.require(Scope.READ)
    async with call.reading() as read:
        found = await contacts.duplicates(read, call.account_id, email)
        shown = [written(call, one, await field_tags(call, read, one.audience_id), with_audience=True) for one in found]
    return json_answer({"contacts": shown})


async def create(call: Call) -> Response:
    """Add a contact (7.2).

    Raises:
        Invalid: A parameter is missing or bad, or the address is blacklisted.
        NotFound: No such audience.
        Forbidden: The key may not write.
        Conflict: The audience has the address.
    """
    checks = call.checks()
    which = checks.uid("audience_uid")
    email = checks.address("EMAIL", "email")
    tags = checks.tags()
    ignore_doi = checks.boolean("ignore_doi", default=False)
    checks.done()
    async with call.writing() as write:
        audience = await audiences.get(write, call.account_id, which)
        call.require(Scope.WRITE)
        confirms = bool(audience.settings.get("double_opt_in")) and not ignore_doi
        known = await field_tags(call, write, audience.id)
        try:
            contact = await contacts.add(
                write,
                call.account_id,
                audience.id,
                email=email,
                fields=dict(checks.values(known)),
                tags=tags,
                status=ContactStatus.UNCONFIRMED if confirms else ContactStatus.SUBSCRIBED,
                source=SOURCE,
                ip_address=address_of_client(call.request),
            )
        except Conflict:
            await _refuse_blacklisted(call, write, email)
            raise
    return done("Contact created", contact_uid=uid(Noun.CONTACT, contact.id))


async def update(call: Call) -> Response:
    """Change what is sent of a contact (7.5).

    Raises:
        Invalid: A value is bad, the new address is taken or blacklisted.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    checks = call.checks()
    audience = checks.uid("audience_uid")
    which = checks.contact("email")  # EMAIL is the new address here
    email = checks.address("new_email", "EMAIL", required=False)
    tags = checks.tags() if call.input.has("tag") or call.input.has("tags") else None
    checks.done()
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        known = await field_tags(call, write, contact.audience_id)
        await contacts.change(
            write,
            call.account_id,
            contact.audience_id,
            contact.id,
            email=email or None,
            fields=dict(checks.values(known)),
            tags=tags,
        )
    return done("Contact updated", contact_uid=uid(Noun.CONTACT, contact.id))


async def add_tag(call: Call) -> Response:
    """Put tags at the end of a contact's (7.6).

    Raises:
        Invalid: A parameter is missing or bad.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    checks = call.checks()
    audience, which = checks.uid("audience_uid"), checks.contact()
    tags = checks.tags(required=True)
    checks.done()
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        await contacts.add_tags(write, call.account_id, contact.audience_id, contact.id, tags)
    return done("Tag added")


async def subscribe(call: Call) -> Response:
    """Make a contact subscribed (7.7).

    Raises:
        Invalid: A parameter is missing or bad, or the address is blacklisted.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    audience, which = _named(call)
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        await contacts.subscribe(write, call.account_id, contact.audience_id, contact.id)
    return done("Contact subscribed")


async def unsubscribe(call: Call) -> Response:
    """Make a contact unsubscribed in its audience (7.8).

    Raises:
        Invalid: A parameter is missing or bad.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    audience, which = _named(call)
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        await contacts.unsubscribe(write, call.account_id, contact.audience_id, contact.id)
    return done("Contact unsubscribed")


async def delete(call: Call) -> Response:
    """Delete a contact for good (7.9).

    Raises:
        Invalid: A parameter is missing or bad.
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    audience, which = _named(call)
    async with call.writing() as write:
        contact = await rightful(call, write, audience, which)
        await contacts.delete(write, call.account_id, contact.audience_id, contact.id)
    return done("Contact deleted")


async def _refuse_blacklisted(call: Call, read: ReadSession, email: str) -> None:
    """Say of an address that is there and blacklisted the latter, as the contract's examples do.

    Raises:
        Invalid: It is blacklisted.
    """
    reason = (await suppressions.reasons(read, call.account_id, [email])).get(email)
    if reason not in {None, Reason.UNSUBSCRIBE}:
        raise Invalid([FieldFault("email", Fault.SUPPRESSED, "is blacklisted")])


async def rightful(call: Call, write: WriteSession, audience: str, which: str) -> Contact:
    """Return the contact that is to be changed, if the key may do that.

    Raises:
        NotFound: No such audience or contact.
        Forbidden: The key may not write.
    """
    contact = await contacts.get(write, call.account_id, audience, which)
    call.require(Scope.WRITE)
    return contact


def _named(call: Call) -> tuple[str, str]:
    """Return the audience and the contact of a request that names no more than these.

    Raises:
        Invalid: One of them is missing or bad.
    """
    checks = call.checks()
    audience, which = checks.uid("audience_uid"), checks.contact()
    checks.done()
    return audience, which
