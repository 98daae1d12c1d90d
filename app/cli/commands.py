"""Every command with its options. Each imports its own module when it runs: starting one part loads one part."""

# ruff: noqa: PLC0415
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

cli = typer.Typer(
    help="Trireme, a self-hosted e-mail platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and with them secrets
)
inbox_cli = typer.Typer(help="What the sandbox inbox has received, newest first.", invoke_without_command=True)
cli.add_typer(inbox_cli, name="inbox")
campaign_cli = typer.Typer(help="Start, pause, resume or stop a campaign of any account, and see how far it is.")
cli.add_typer(campaign_cli, name="campaign")
suppressions_cli = typer.Typer(help="See and change the suppression list of an account; import and export it.")
cli.add_typer(suppressions_cli, name="suppressions")
import_cli = typer.Typer(help="Bring along what another service kept.", no_args_is_help=True)
cli.add_typer(import_cli, name="import")


@import_cli.callback()
def import_from() -> None:
    """Bring along what another service kept."""


DataDir = Annotated[Path, typer.Option(help="Directory with everything that is kept.")]
DEFAULT_DATA_DIR = Path("var")


def leave(status: int) -> NoReturn:
    """End the command with that exit status.

    Raises:
        Exit: Always.
    """
    raise typer.Exit(status)


@cli.command()
def up(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    ports: Annotated[
        str, typer.Option(help="'auto' takes free ports, so that several can run side by side.")
    ] = "fixed",
    workers: Annotated[int, typer.Option(min=0, max=64, help="Delivery processes; 0: two, or one on one CPU.")] = 0,
    relay: Annotated[str, typer.Option(help="Send everything to this relay: smtp[s]://[user:pass@]host:port")] = "",
    mx: Annotated[bool, typer.Option("--mx", help="Deliver directly to the recipients' servers.")] = False,
    database_url: Annotated[
        str, typer.Option(envvar="TRIREME_DATABASE_URL", show_envvar=False, help="Use this PostgreSQL.")
    ] = "",
    broker_url: Annotated[
        str, typer.Option(envvar="TRIREME_BROKER_URL", show_envvar=False, help="Use this Valkey or Redis.")
    ] = "",
    identity: Annotated[str, typer.Option(hidden=True, envvar="TRIREME_EMBEDDED_IDENTITY")] = "",
    stage: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Start everything on this machine, and stay in the foreground."""
    from app.cli import up as module
    from app.cli.plan import Options

    options = Options(data_dir, ports, workers, relay, mx, database_url, broker_url, identity, stage)
    leave(module.run(options))


@cli.command()
def api() -> None:
    """Serve HTTP: the main listener and the Dyno listener."""
    from app.cli import parts

    leave(parts.run("api"))


@cli.command()
def delivery() -> None:
    """Run one delivery process."""
    from app.cli import parts

    leave(parts.run("delivery"))


@cli.command()
def worker() -> None:
    """Run a Celery worker for everything but delivery."""
    from app.cli import parts

    leave(parts.run("worker"))


@cli.command()
def scheduler() -> None:
    """Run the ticker; several may run, one acts."""
    from app.cli import parts

    leave(parts.run("scheduler"))


@cli.command()
def outbox() -> None:
    """Route domain events and call customers' URLs; several may run."""
    from app.cli import parts

    leave(parts.run("outbox"))


@cli.command()
def sandbox() -> None:
    """Run the sandbox inbox, an SMTP server that keeps what it gets for people to look at."""
    from app.cli import parts

    leave(parts.run("sandbox"))


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    from app.cli import parts

    leave(parts.run("migrate"))


@cli.command()
def init(
    username: Annotated[str, typer.Option(envvar="TRIREME_INIT_USERNAME", prompt=True, help="An e-mail address.")],
    password: Annotated[
        str,
        typer.Option(envvar="TRIREME_INIT_PASSWORD", prompt=True, hide_input=True, confirmation_prompt=True),
    ],
) -> None:
    """Make the first account and print its API key; refuses to run twice."""
    from app.cli import account

    leave(account.run(username, password))


@cli.command()
def routes() -> None:
    """Print every URL with its verbs and the place in the code that serves it."""
    from app.cli import routes as module

    leave(module.run())


@cli.command()
def doctor(data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Check what an installation needs, and say what to do."""
    from app.cli import doctor as module

    leave(module.run(data_dir))


@cli.command()
def health(part: Annotated[Literal["api", "sandbox"], typer.Argument(help="Which part to ask.")] = "api") -> None:
    """Tell by the exit status whether a part on this machine does its work; for health checks."""
    from app.cli import health as module

    leave(module.run(part))


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


CampaignUid = Annotated[str, typer.Argument(metavar="UID", help="The campaign.")]


@campaign_cli.command("start")
def campaign_start(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Start a campaign, now or at the time it carries."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "start", uid))


@campaign_cli.command("pause")
def campaign_pause(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Pause a campaign: when this returns, nothing of it leaves any more."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "pause", uid))


@campaign_cli.command("resume")
def campaign_resume(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Go on with a paused or failed campaign."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "resume", uid))


@campaign_cli.command("stop")
def campaign_stop(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Stop a campaign for good."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "stop", uid))


@campaign_cli.command("status")
def campaign_status(uid: CampaignUid, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Print state and progress, one name=value a line."""
    from app.cli import campaign

    leave(campaign.run(data_dir, "status", uid))


Account = Annotated[
    str, typer.Option(metavar="USERNAME", help="Whose list; without it that of the account 'trireme up' made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


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
