"""What an audience writes by itself, and in which words unless it has a template of its own. Pure.

Source: docs/contract/dynosend.md, 7.8, 12 and 13.
"""

from enum import StrEnum

from app.core.events import Event, EventType
from app.core.transactional.rendering import Texts
from app.models.contact import ContactStatus


class Wish(StrEnum):
    """What is to be written because of an event."""

    CONFIRMATION = "confirmation"
    WELCOME = "welcome"
    RECONFIRMATION = "reconfirmation"
    """A confirmation that somebody asked for once more: whatever the audience does by itself."""
    NOTICE = "notice"
    """Not to the contact: to the audience's contact address, that somebody has unsubscribed."""


BUILT_IN = {
    Wish.CONFIRMATION: Texts(
        "Please confirm your subscription to {LIST_NAME}",
        "<!DOCTYPE html><html><body><p>Please confirm that {EMAIL} is to receive mail from {LIST_NAME}:</p>"
        '<p><a href="{SUBSCRIBE_CONFIRM_URL}">Confirm my subscription</a></p>'
        "<p>If you did not ask for this, do nothing: you will hear no more from us.</p></body></html>",
        "Please confirm that {EMAIL} is to receive mail from {LIST_NAME}:\n\n{SUBSCRIBE_CONFIRM_URL}\n\n"
        "If you did not ask for this, do nothing: you will hear no more from us.\n",
    ),
    Wish.WELCOME: Texts(
        "Welcome to {LIST_NAME}",
        "<!DOCTYPE html><html><body><p>Thank you for subscribing to {LIST_NAME} as {EMAIL}.</p></body></html>",
        "Thank you for subscribing to {LIST_NAME} as {EMAIL}.\n",
    ),
    Wish.NOTICE: Texts(
        "{EMAIL} has unsubscribed from {LIST_NAME}",
        None,
        "{EMAIL} has unsubscribed from {LIST_NAME}.\n",
    ),
}
"""For audiences without a template of their own, or with one that cannot be used."""


def wish_of(event: Event) -> Wish | None:
    """Return what may follow from an event, if the audience wants it and the contact has not changed meanwhile."""
    status = (event.data or {}).get("status")
    match event.type:
        case EventType.CONTACT_CREATED if status == ContactStatus.UNCONFIRMED:
            return Wish.CONFIRMATION
        case EventType.CONTACT_UPDATED if (event.data or {}).get("confirmation") == "asked again":
            return Wish.RECONFIRMATION
        case EventType.CONTACT_SUBSCRIBED:
            return Wish.WELCOME
        case EventType.CONTACT_UNSUBSCRIBED if status == ContactStatus.UNSUBSCRIBED:
            return Wish.NOTICE
        case _:
            return None
