"""Each part of the product alone, as containers run them."""

# ruff: noqa: PLC0415
from pathlib import Path
from typing import Annotated

import typer

from app.cli.commands.base import cli, leave


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
def intake(
    *,
    maildir: Annotated[
        Path | None,
        typer.Option(file_okay=False, exists=True, help="Take mails from this folder instead of listening."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="With --maildir: end when nothing is new.")] = False,
) -> None:
    """Take mail that comes back, by SMTP or from a folder: reports, complaints; several may run."""
    from app.cli import parts

    leave(parts.run("intake") if maildir is None else parts.take_maildir(maildir, once=once))


@cli.command()
def submission() -> None:
    """Take mail that programs hand over by SMTP (`smtp.port`); several may run."""
    from app.cli import parts

    leave(parts.run("submission"))


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
