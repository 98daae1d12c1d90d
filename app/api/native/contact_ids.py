"""How a path names a contact: by id, uid or address. Source: docs/contract/native.md, 6."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

from app.api.native.ids import which

MAX_LENGTH = 400
ContactId = Annotated[str, Path(max_length=MAX_LENGTH, description="UUID, uid or address.")]
"""A contact in a path; `contact_named` reads it."""


def contact_named(text: str) -> str | UUID:
    """Return what names a contact, for the verbs of the core.

    Raises:
        NotFound: It is neither UUID nor uid nor has an @.
    """
    return text if "@" in text else which(text)
