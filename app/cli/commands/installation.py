"""Starting an installation, and what it needs."""

# ruff: noqa: PLC0415
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, DataDir, cli, leave


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
def health(
    part: Annotated[
        Literal["api", "sandbox", "intake", "submission"], typer.Argument(help="Which part to ask.")
    ] = "api",
) -> None:
    """Tell by the exit status whether a part on this machine does its work; for health checks."""
    from app.cli import health as module

    leave(module.run(part))
