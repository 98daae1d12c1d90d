"""What all commands share: the application they belong to, and their common options."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

cli = typer.Typer(
    help="Trireme, a self-hosted e-mail platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables, and with them secrets
)

DataDir = Annotated[Path, typer.Option(help="Directory with everything that is kept.")]
DEFAULT_DATA_DIR = Path("var")
Account = Annotated[
    str, typer.Option(metavar="USERNAME", help="Whose list; without it that of the account 'trireme up' made.")
]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


def leave(status: int) -> NoReturn:
    """End the command with that exit status.

    Raises:
        Exit: Always.
    """
    raise typer.Exit(status)
