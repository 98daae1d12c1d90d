"""`trireme contacts` and `trireme audience`."""

# ruff: noqa: PLC0415
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.commands.base import DEFAULT_DATA_DIR, Account, AsJson, DataDir, cli, leave

contacts_cli = typer.Typer(help="Contacts of an audience as files.", no_args_is_help=True)
cli.add_typer(contacts_cli, name="contacts")
audience_cli = typer.Typer(help="Audiences of an account.", no_args_is_help=True)
cli.add_typer(audience_cli, name="audience")
AudienceId = Annotated[str, typer.Option("--audience", metavar="ID", help="The audience: its id, uid or number.")]


@audience_cli.callback()
def audience() -> None:
    """Audiences of an account."""


@contacts_cli.command("import")
def contacts_import(
    file: Annotated[str, typer.Argument(help="CSV, at most 200 MB; its first line names the columns.")] = "",
    *,
    audience_id: AudienceId = "",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    status: Annotated[
        Literal["subscribed", "unconfirmed", "unsubscribed"], typer.Option(help="Of new contacts.")
    ] = "subscribed",
    tag: Annotated[list[str] | None, typer.Option(help="For all of them; may be given again.")] = None,
    mapping: Annotated[str, typer.Option(help='Columns to tags as JSON: {"Mail": "EMAIL"}.')] = "",
    delimiter: Annotated[str, typer.Option(help="Between values; found out without it.")] = "",
    create_fields: Annotated[bool, typer.Option("--create-fields", help="Make fields for other columns.")] = False,
    update_existing: Annotated[bool, typer.Option(help="Whether contacts that are there get values and tags.")] = True,
    job: Annotated[str, typer.Option(metavar="ID", help="Go on with this job, which was broken off.")] = "",
    as_json: AsJson = False,
) -> None:
    """Import a file; broken off, it goes on with --job, or by the workers. Exits 1 when rows are bad."""
    from app.cli import contacts as module
    from app.cli.suppressions import Place
    from app.core.contacts import ContactStatus
    from app.core.transfers import ImportOptions

    options = ImportOptions(
        mapping=_mapping(mapping),
        delimiter=delimiter or None,
        create_fields=create_fields,
        update_existing=update_existing,
        status=ContactStatus(status),
        tags=tag or (),
    )
    place = Place(data_dir, account)
    leave(module.import_file(place, file, audience=audience_id, job=job, options=options, as_json=as_json))


def _mapping(text: str) -> dict[str, str] | None:
    """Return a mapping.

    Raises:
        BadParameter: It is none.
    """
    from app.cli import contacts as module

    try:
        return module.mapping_of(text)
    except ValueError as error:
        raise typer.BadParameter(f"--mapping: {error}") from None


@contacts_cli.command("export")
def contacts_export(
    *,
    audience_id: Annotated[str, typer.Option("--audience", metavar="ID", help="The audience: its id, uid or number.")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    output: Annotated[Path | None, typer.Option(help="File to write; without it standard output.")] = None,
    form: Annotated[Literal["csv", "jsonl"], typer.Option("--format", help="Of the file.")] = "csv",
    status: Annotated[
        Literal["", "subscribed", "unconfirmed", "unsubscribed", "blacklisted", "spam-reported"],
        typer.Option(help="Only these."),
    ] = "",
    column: Annotated[list[str] | None, typer.Option(help="Only these columns; may be given again.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The summary as JSON.")] = False,
) -> None:
    """Write the contacts of an audience, by id."""
    from app.cli import contacts as module
    from app.cli.suppressions import Place

    place = Place(data_dir, account)
    leave(
        module.export(
            place, output, audience=audience_id, form=form, status=status, columns=column or (), as_json=as_json
        )
    )


@audience_cli.command("add")
def audience_add(
    name: Annotated[str, typer.Argument(help="Its name.")],
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    account: Account = "",
    from_email: Annotated[str, typer.Option(help="Default From address.")] = "",
    from_name: Annotated[str, typer.Option(help="Default From name.")] = "",
    double_opt_in: Annotated[bool, typer.Option("--double-opt-in", help="New contacts confirm.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make an audience and print its uid."""
    from app.cli import audience as module
    from app.cli.suppressions import Place

    place = Place(data_dir, account)
    leave(
        module.add(
            place, name, from_email=from_email, from_name=from_name, double_opt_in=double_opt_in, as_json=as_json
        )
    )
