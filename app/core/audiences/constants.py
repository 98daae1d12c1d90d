"""What personalised mail says about an audience. Imports models and kit.

Source: docs/contract/dynosend.md, 13.
"""

from app.kit.uids import Noun, uid
from app.models.audience import Audience

_CONTACT_NAMES = {
    "company": "CONTACT_NAME",
    "address_1": "CONTACT_ADDRESS_1",
    "address_2": "CONTACT_ADDRESS_2",
    "city": "CONTACT_CITY",
    "state": "CONTACT_STATE",
    "zip": "CONTACT_ZIP",
    "country": "CONTACT_COUNTRY",
    "phone": "CONTACT_PHONE",
    "email": "CONTACT_EMAIL",
    "website": "CONTACT_URL",
}


def constants(audience: Audience) -> dict[str, str]:
    """Return the values that are the same for all contacts of an audience, by the names of the contract."""
    contact = audience.contact_information
    return {
        "LIST_UID": uid(Noun.AUDIENCE, audience.id),
        "LIST_NAME": audience.name,
        "LIST_FROM_NAME": audience.from_name or "",
        "LIST_FROM_EMAIL": audience.from_email or "",
        **{name: str(contact.get(key) or "") for key, name in _CONTACT_NAMES.items()},
    }
