"""Every command with its options. Each imports its own module when it runs: starting one part loads one part."""

# ruff: noqa: PLC0415
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
