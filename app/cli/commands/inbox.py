"""`trireme inbox`: what the sandbox has received."""

# ruff: noqa: PLC0415
from typing import Annotated

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, DataDir, cli, leave

inbox_cli = typer.Typer(help="What the sandbox inbox has received, newest first.", invoke_without_command=True)
cli.add_typer(inbox_cli, name="inbox")


@inbox_cli.callback()
def inbox(
    context: typer.Context,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many to list.")] = 50,
) -> None:
    """List what the sandbox inbox has received, newest first."""
    from app.cli import inbox as module

    context.obj = data_dir
    if context.invoked_subcommand is None:
        leave(module.show_list(data_dir, limit))


@inbox_cli.command("show")
def inbox_show(
    context: typer.Context,
    message_id: Annotated[str, typer.Argument(metavar="ID")],
    raw: Annotated[bool, typer.Option("--raw", help="The bytes as received.")] = False,
) -> None:
    """Print one message: envelope, headers and parts."""
    from app.cli import inbox as module

    leave(module.show_one(context.obj, message_id, raw=raw))


@inbox_cli.command("clear")
def inbox_clear(context: typer.Context) -> None:
    """Forget every message of the inbox."""
    from app.cli import inbox as module

    leave(module.clear(context.obj))
