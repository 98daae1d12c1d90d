"""What the verbs on contacts take and give, and how it is checked. Pure; imports models, `app.mail`, core errors.

Source: docs/contract/dynosend.md, 7; docs/contract/dyno.md, 6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core.audiences import FieldSet, as_text, check_value
from app.core.errors import Fault, FieldFault, Invalid
from app.core.extra import is_storable
from app.mail.addresses import InvalidAddress, parse_mailbox
from app.models.contact import ContactStatus

MAX_TAG = 100
"""Characters of one tag."""
MAX_TAGS = 1000
"""Tags of one contact."""

_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One contact among many that are added at once.

    Attributes:
        email: The address, checked when it is added.
        fields: Values by tag, in upper case; a blank one is left out.
        tags: In order.
        status: For a contact that is new.
    """

    email: str
    fields: Mapping[str, object] = field(default_factory=dict)
    tags: Sequence[str] = ()
    status: ContactStatus = ContactStatus.SUBSCRIBED


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that was not added.

    Attributes:
        index: Its place among the rows, from 0.
        email: Its address as it was given.
        fault: What is wrong with it.
    """

    index: int
    email: str
    fault: FieldFault


@dataclass(frozen=True, slots=True)
class Added:
    """What became of the rows of one call.

    Attributes:
        created: Contacts that are new.
        existing: Contacts that were there, removed ones that came back included.
        repeated: Rows that a later one with the same address replaced.
        bad: Rows that were not added.
        removed: Members that were not named, where the rows replace all members.
    """

    created: int
    existing: int
    repeated: int = 0
    bad: tuple[BadRow, ...] = ()
    removed: int = 0


def address_of(email: str, name: str = "email") -> str:
    """Return an address as contacts store it: in lower case, the domain in A-labels.

    Raises:
        Invalid: It is not an e-mail address; the fault has that name.
    """
    text = email.strip()
    if is_storable(text):
        try:
            mailbox = parse_mailbox(text)
        except InvalidAddress:
            pass
        else:
            if not mailbox.name:
                return mailbox.key
    raise Invalid([FieldFault(name, Fault.INVALID, "must be a valid email address")])


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags trimmed, in order, without blank ones and repetitions.

    Raises:
        Invalid: A tag is longer than 100 characters or cannot be stored, or there are more than 1000.
    """
    cleaned = list(dict.fromkeys(trimmed for tag in tags if (trimmed := tag.strip())))
    if len(cleaned) > MAX_TAGS:
        raise Invalid([FieldFault("tag", Fault.TOO_LONG, f"must not be more than {MAX_TAGS}")])
    for tag in cleaned:
        if len(tag) > MAX_TAG:
            raise Invalid([FieldFault("tag", Fault.TOO_LONG, f"must not be longer than {MAX_TAG} characters")])
        if not is_storable(tag) or _SEPARATOR in tag:
            raise Invalid([FieldFault("tag", Fault.INVALID, "format is invalid")])
    return cleaned


def joined(tags: Sequence[str]) -> str:
    """Return clean tags as one text for the statements of many rows."""
    return _SEPARATOR.join(tags)


def checked_values(fields: FieldSet, given: Mapping[str, object]) -> dict[str, str | None]:
    """Return values as they are stored, None for a blank one.

    Raises:
        Invalid: With every value that cannot be accepted, in the order of the fields.
    """
    values: dict[str, str | None] = {}
    faults = [FieldFault(tag, Fault.UNKNOWN, "is not a field") for tag in given if tag not in fields.types]
    for tag, kind in fields.types.items():
        if tag not in given:
            continue
        try:
            values[tag] = text = as_text(tag, given[tag])
            if text is not None:
                check_value(tag, kind, text)
        except Invalid as error:
            faults.extend(error.faults)
    if faults:
        raise Invalid(faults)
    return values


def values_of_new(fields: FieldSet, given: Mapping[str, object], *, needs_required: bool = True) -> dict[str, str]:
    """Return the values of a new contact, defaults for what is left out included.

    Raises:
        Invalid: A value cannot be accepted, or a required one is missing.
    """
    values = {tag: text for tag, text in checked_values(fields, given).items() if text is not None}
    values = {**{tag: text for tag, text in fields.defaults.items() if tag not in given}, **values}
    missing = [FieldFault(tag, Fault.REQUIRED, "is required") for tag in fields.required if tag not in values]
    if missing and needs_required:
        raise Invalid(missing)
    return values


def values_after(fields: FieldSet, stored: Mapping[str, str], given: Mapping[str, object]) -> dict[str, str]:
    """Return the values of a contact after a change: given ones over stored ones, blank ones cleared.

    Raises:
        Invalid: A value cannot be accepted, or a required one is to be cleared.
    """
    changed = checked_values(fields, given)
    cleared = [
        FieldFault(tag, Fault.REQUIRED, "is required") for tag in fields.required if tag in changed and not changed[tag]
    ]
    if cleared:
        raise Invalid(cleared)
    return {tag: text for tag, text in {**stored, **changed}.items() if text is not None}
