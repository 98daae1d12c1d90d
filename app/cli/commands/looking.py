"""Looking into what an installation holds, and filling one for trials."""

# ruff: noqa: PLC0415
from datetime import datetime
from typing import Annotated

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, DataDir, cli, leave


@cli.command()
def audit(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Annotated[str, typer.Option(metavar="USERNAME", help="Only this account.")] = "",
    run: Annotated[str, typer.Option(metavar="UID", help="Only this run of a campaign.")] = "",
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="From this day on, UTC; the last 40 days without it.")
    ] = None,
) -> None:
    """Compare ledger, queue and counters; exits 1 when they differ, 2 when it can't look."""
    from app.cli import audit as module

    leave(module.run(data_dir, account=account, run_uid=run, since=since.date() if since else None))


@cli.command()
def why(
    address: Annotated[str, typer.Argument(help="A recipient's e-mail address.")],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Annotated[str, typer.Option(metavar="USERNAME", help="Only this account.")] = "",
    campaign: Annotated[
        str, typer.Option(metavar="UID", help="Only this campaign; tells also why it has no copy.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="Most copies.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what happened to an address: its copies, newest first, with every attempt."""
    from app.cli import why as module

    leave(module.run(data_dir, address, account=account, campaign_uid=campaign, limit=limit, as_json=as_json))


@cli.command()
def seed(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    contacts: Annotated[int, typer.Option(min=1, max=100_000_000, help="How many contacts.")],
    account: Annotated[
        str, typer.Option(metavar="USERNAME", help="Whose; without it the account that 'trireme up' made.")
    ] = "",
    audience: Annotated[str, typer.Option(help="Name of the audience.")] = "Seeded",
    campaign: Annotated[bool, typer.Option("--campaign", help="Make a campaign for it, too.")] = False,
) -> None:
    """Make an audience with many contacts at invented addresses, for trying things out and for benchmarks."""
    from app.cli import seed as module

    leave(module.run(data_dir, count=contacts, account=account, audience=audience, campaign=campaign))
