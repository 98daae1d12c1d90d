"""Every command with its options, a module per group. Each imports its own work when it runs.

Starting one part loads one part: these modules import typer and each other's `base` alone.
"""

from app.cli.commands import bringing, campaign, contacts, inbox, installation, looking, parts, suppressions
from app.cli.commands.base import cli

__all__ = ["bringing", "campaign", "cli", "contacts", "inbox", "installation", "looking", "parts", "suppressions"]
