"""Lists of contacts with fields of their own. Owns the tables `audiences` and `audience_fields`."""

from app.core.audiences.constants import constants
from app.core.audiences.fields import add_field, change_field, delete_field, ensure_fields, field_set, fields, hold
from app.core.audiences.names import EMAIL, MAX_VALUE, RESERVED, as_text, check_value
from app.core.audiences.service import (
    change,
    count,
    create,
    delete,
    get,
    list_after,
    list_page,
    statistics,
    statistics_of,
)
from app.core.audiences.tallies import fold_tallies
from app.core.audiences.values import (
    CONTACT_INFORMATION,
    SETTINGS,
    AudienceChanges,
    FieldChanges,
    FieldSet,
    Statistics,
)
from app.models.audience import Audience
from app.models.audience_field import AudienceField, FieldType

__all__ = [
    "CONTACT_INFORMATION",
    "EMAIL",
    "MAX_VALUE",
    "RESERVED",
    "SETTINGS",
    "Audience",
    "AudienceChanges",
    "AudienceField",
    "FieldChanges",
    "FieldSet",
    "FieldType",
    "Statistics",
    "add_field",
    "as_text",
    "change",
    "change_field",
    "check_value",
    "constants",
    "count",
    "create",
    "delete",
    "delete_field",
    "ensure_fields",
    "field_set",
    "fields",
    "fold_tallies",
    "get",
    "hold",
    "list_after",
    "list_page",
    "statistics",
    "statistics_of",
]
