"""`trireme suppressions`: the list of an account."""

# ruff: noqa: PLC0415
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, Account, AsJson, DataDir, cli, leave

suppressions_cli = typer.Typer(help="See and change the suppression list of an account; import and export it.")
cli.add_typer(suppressions_cli, name="suppressions")


@suppressions_cli.command("import")
def suppressions_import(
    file: Annotated[str, typer.Argument(help="CSV: email, reason, created_at, detail; '-' is standard input.")],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    reason: Annotated[
        Literal["complaint", "hardbounce", "manual", "softbounce", "unsubscribe"],
        typer.Option(help="Of lines that give none."),
    ] = "manual",
    as_json: AsJson = False,
) -> None:
    """Enter the addresses of a file; doing it again changes nothing. Exits 1 when lines are not valid."""
    from app.cli import suppressions as module

    place = module.Place(data_dir, account)
    leave(module.import_file(place, file, reason=reason, as_json=as_json))


@suppressions_cli.command("export")
def suppressions_export(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    output: Annotated[Path | None, typer.Option(help="File to write; without it standard output.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Write the whole list as CSV, oldest entry first."""
    from app.cli import suppressions as module

    leave(module.export(module.Place(data_dir, account), output, as_json=as_json))


@suppressions_cli.command("list")
def suppressions_list(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on, UTC.")] = None,
    offset: Annotated[int, typer.Option(min=0, help="How many to leave out in front.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Most entries.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Print entries, oldest first, and how many there are."""
    from app.cli import suppressions as module

    day = since.date() if since else None
    leave(module.show(module.Place(data_dir, account), since=day, offset=offset, limit=limit, as_json=as_json))


@suppressions_cli.command("remove")
def suppressions_remove(
    address: Annotated[str, typer.Argument(help="An e-mail address.")],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    clear_mark: Annotated[
        bool, typer.Option("--clear-mark", help="Clear its bounced or complained mark, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take an address off the list: it gets mail again, and its contacts the status they had."""
    from app.cli import suppressions as module

    leave(module.remove(module.Place(data_dir, account), address, clear_mark=clear_mark, as_json=as_json))
