"""`python -m app`, which is also the console script `trireme`. Imports `app.cli` alone."""

# ruff: noqa: PLC0415
import sys

ONE_WORD = 2


def main() -> None:
    """Run the command that was typed.

    A part without options is run at once: what reads command lines would stay in its memory as long as it lives.
    """
    if len(sys.argv) == ONE_WORD and not sys.argv[1].startswith("-"):
        from app.cli import parts

        if sys.argv[1] in parts.PARTS:
            sys.exit(parts.run(sys.argv[1]))
    from app.cli.commands import cli

    cli(prog_name="trireme")


if __name__ == "__main__":
    main()
