"""`/c`: the second step of a double opt-in. Imports core front doors and `app.mail.confirmation`.

Source: docs/contract/dynosend.md, section 12.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.core import contacts, tracking
from app.core.contacts import ContactStatus
from app.core.errors import NotFound
from app.db.unit_of_work import unit_of_work
from app.dependencies import runtime_of
from app.mail import confirmation
from app.web.pages import PRIVATE, masked, page
from app.web.places import redirect_url
from app.web.visitors import keys_of


async def confirm(request: Request) -> Response:
    """Confirm a subscription and say thanks, as often as it is asked; a HEAD confirms nothing.

    Who unsubscribed or was put on the suppression list meanwhile stays so, and is told.

    Raises:
        NotFound: The token is none of ours, or its contact or audience is gone.
    """
    runtime = runtime_of(request)
    contact_id = confirmation.read(keys_of(runtime.settings, "confirm"), request.path_params["token"])
    if contact_id is None:
        raise NotFound("no such link")
    async with unit_of_work(runtime.engine, runtime.queue) as write:
        place = await tracking.place_of(write, contact_id)
        if place is None:
            raise NotFound("no such contact")
        if request.method == "HEAD":
            contact = await contacts.get(write, place.account_id, place.audience_id, contact_id)
        else:
            contact = await contacts.confirm(write, place.account_id, contact_id)
        url = await redirect_url(write, place.account_id, place.audience_id, "confirmed_redirect_url")
        subscribed = contact.status == ContactStatus.SUBSCRIBED
    if subscribed and url is not None:
        return Response(status_code=302, headers={**PRIVATE, "Location": url})
    return page(request, "confirmed", address=masked(place.address), subscribed=subscribed)
