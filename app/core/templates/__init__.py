"""Content that campaigns may use. Owns the table `templates`."""

from app.core.templates.service import TemplateChanges, change, count, create, delete, get, list_after, list_page
from app.models.template import Template

__all__ = ["Template", "TemplateChanges", "change", "count", "create", "delete", "get", "list_after", "list_page"]
