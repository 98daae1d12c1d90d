"""Content that campaigns may use. Owns the table `templates`."""

from app.core.templates.service import TemplateChanges, change, create, delete, get, list_after
from app.models.template import Template

__all__ = ["Template", "TemplateChanges", "change", "create", "delete", "get", "list_after"]
