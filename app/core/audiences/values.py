"""What the verbs on audiences take and give. Pure; imports models alone."""

from dataclasses import dataclass
from typing import Any, TypedDict

from app.models.audience_field import AudienceField

SETTINGS: dict[str, object] = {
    "double_opt_in": False,
    "send_welcome": False,
    "notify_unsubscribe": False,
    "confirmation_template_id": None,
    "welcome_template_id": None,
    "confirmed_redirect_url": None,
    "unsubscribed_redirect_url": None,
}
"""Names of an audience's settings with what they are when not set (docs/contract/native.md, 5)."""
CONTACT_INFORMATION = (
    "company",
    "address_1",
    "address_2",
    "country",
    "state",
    "zip",
    "city",
    "phone",
    "website",
    "email",
)
"""Names of an audience's contact information, in their order (docs/contract/dynosend.md, 6.2)."""


class AudienceChanges(TypedDict, total=False):
    """What can be set on an audience beside its name; what is absent stays as it is (or gets its default)."""

    description: str
    from_email: str | None
    from_name: str | None
    default_subject: str | None
    settings: dict[str, Any]
    """Names of `SETTINGS`; merged, None sets a name back to its default."""
    contact_information: dict[str, Any]
    """Names of `CONTACT_INFORMATION`; merged, None clears a name."""
    extra: dict[str, Any]
    """Merged."""


class FieldChanges(TypedDict, total=False):
    """What can be changed on a field; what is absent stays."""

    label: str
    required: bool
    visible: bool
    default_value: str | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Contacts of an audience by status; members that were removed are not counted."""

    subscribed: int = 0
    unconfirmed: int = 0
    unsubscribed: int = 0
    blacklisted: int = 0
    spam_reported: int = 0

    @property
    def total(self) -> int:
        """All contacts, whatever their status."""
        return self.subscribed + self.unconfirmed + self.unsubscribed + self.blacklisted + self.spam_reported

    def of(self, status: str) -> int:
        """Return the contacts of one status of `app.models.contact.ContactStatus`."""
        return int(getattr(self, status.replace("-", "_")))


@dataclass(frozen=True, slots=True)
class FieldSet:
    """The fields of an audience, ready for checking values.

    Attributes:
        types: Type by tag, in order of creation.
        defaults: Values of fields a new contact leaves out.
        required: Tags a new contact must have.
    """

    types: dict[str, str]
    defaults: dict[str, str]
    required: tuple[str, ...]

    @classmethod
    def of(cls, fields: list[AudienceField]) -> "FieldSet":
        """Return the set of these rows."""
        return cls(
            types={field.tag: field.type for field in fields},
            defaults={field.tag: field.default_value for field in fields if field.default_value},
            required=tuple(field.tag for field in fields if field.required),
        )
