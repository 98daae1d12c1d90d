"""`trireme import`: what another service kept."""

# ruff: noqa: PLC0415
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, AsJson, DataDir, cli, leave

import_cli = typer.Typer(help="Bring along what another service kept.", no_args_is_help=True)
cli.add_typer(import_cli, name="import")


@import_cli.callback()
def import_from() -> None:
    """Bring along what another service kept."""


@import_cli.command("dyn")
def import_dyn(
    folder: Annotated[Path | None, typer.Argument(help="Directory with the CSV files of the portal.")] = None,
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    url: Annotated[str, typer.Option("--from", help="Instead: a server that speaks the classic API.")] = "",
    key: Annotated[str, typer.Option(envvar="TRIREME_IMPORT_KEY", help="API key of the master at that server.")] = "",
    account: Annotated[
        str, typer.Option(metavar="USERNAME", help="Account here that the master becomes; else that of its name.")
    ] = "",
    sender: Annotated[
        list[str] | None, typer.Option(help="From address of history that names none, or that was deleted.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Where history begins, UTC; 2000 without it.")
    ] = None,
    history: Annotated[bool, typer.Option(help="Whether to bring along what was sent.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring along accounts, keys, senders, X-headers, suppressions and history of Dyn Email Delivery.

    Broken off, it goes on where it was; done again, it changes nothing.
    """
    from app.cli.import_dyn import command

    options = command.Options(
        data_dir=data_dir,
        since=(since or datetime(2000, 1, 1)).replace(tzinfo=UTC),  # noqa: DTZ001 the zone is set
        folder=folder,
        url=url,
        key=key,
        account=account,
        senders=tuple(sender or ()),
        history=history,
        dry_run=dry_run,
        as_json=as_json,
    )
    leave(command.run(options))


@import_cli.command("dynosend")
def import_dynosend(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    url: Annotated[str, typer.Option("--from", help="A server that speaks Dynosend v2.")],
    token: Annotated[str, typer.Option(envvar="TRIREME_IMPORT_TOKEN", help="API token of the account there.")] = "",
    account: Annotated[
        str, typer.Option(metavar="USERNAME", help="Account here; without it the one 'trireme up' made.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read everything, write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring along audiences, fields, contacts and their blacklist entries of Dynosend.

    Broken off, it goes on where it was; done again, it changes nothing.
    """
    from app.cli.import_dynosend import command

    options = command.Options(
        data_dir=data_dir, url=url, token=token, account=account, dry_run=dry_run, as_json=as_json
    )
    leave(command.run(options))
