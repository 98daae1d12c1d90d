"""`python -m app`, which is also the console script `trireme`. Imports `app.cli` alone."""

from app.cli.commands import cli


def main() -> None:
    """Run the command that was typed."""
    cli(prog_name="trireme")


if __name__ == "__main__":
    main()
