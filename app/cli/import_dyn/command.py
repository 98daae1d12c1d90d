"""The command `trireme import dyn`: options, progress, summary, exit status. Imports its siblings and settings."""

import asyncio
import hashlib
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import orjson

from app.api.dyn.dates import iso, parse_start
from app.cli.asking import settings_for_asking
from app.cli.audit import NO_ANSWER
from app.cli.configuration import NotConfigured, is_given
from app.cli.import_dyn.accounts import Accounts, Notes, Refused
from app.cli.import_dyn.folder import Folder
from app.cli.import_dyn.importing import Importing, Wish
from app.cli.import_dyn.server import Server, utc_now
from app.cli.import_dyn.source import Source, SourceFailed
from app.cli.import_dyn.state import Busy, State
from app.cli.plan import USERNAME
from app.cli.state import DataDirectory
from app.core.retention import first_kept
from app.db.engine import make_engine
from app.kit.secrets import Vault
from app.settings import Settings

STATEMENT_SECONDS = 300.0
DONE, BROKEN_OFF, CANNOT_BEGIN = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator typed.

    Attributes:
        data_dir: Of `trireme up`; the state is kept there.
        folder: With CSV files, if those are the source.
        url: Of a server, if that is the source.
        key: The master's at that server.
        account: User name here that the master becomes.
        senders: From addresses of history that names none, or that are listed nowhere any more.
        since: Where history begins.
        history: Whether history is brought along.
        dry_run: Whether nothing is to be written.
        as_json: Whether the summary is JSON.
    """

    data_dir: Path
    since: datetime
    folder: Path | None = None
    url: str = ""
    key: str = field(default="", repr=False)
    account: str = ""
    senders: Sequence[str] = ()
    history: bool = True
    dry_run: bool = False
    as_json: bool = False


def run(options: Options) -> int:
    """Import and print a summary.

    Returns:
        0; 1 when it was broken off, and may be begun again where it was; 2 when it can't be begun.
    """
    notes = Notes()
    if (options.folder is None) == (not options.url) or bool(options.url) != bool(options.key):
        print("Give a directory, or --from with --key.", file=sys.stderr)
        return CANNOT_BEGIN
    try:
        settings = _settings(options.data_dir)
        asyncio.run(_import(settings, options, notes))  # noqa: TID251 a command owns its loop
    except (NotConfigured, Refused, Busy) as error:
        print(error, file=sys.stderr)
        return CANNOT_BEGIN
    except SourceFailed as error:
        print(f"Broken off: {error}. Run it again to go on.", file=sys.stderr)
        return BROKEN_OFF
    except NO_ANSWER as error:
        print(f"Broken off: {error!r}. Run it again to go on.", file=sys.stderr)
        return BROKEN_OFF
    _print(notes, options)
    return DONE


def _settings(data_dir: Path) -> Settings:
    """Return settings with the installation's database and its secret keys.

    Raises:
        NotConfigured: Either is missing.
    """
    settings = settings_for_asking(data_dir, statement_seconds=STATEMENT_SECONDS)
    if is_given("secret_keys"):
        return settings
    keys = DataDirectory(data_dir).secrets().get("secret_keys")
    if not keys:
        raise NotConfigured("TRIREME_SECRET_KEYS is not set: keys of accounts could not be kept.")
    return settings.model_copy(update={"secret_keys": [str(key) for key in keys]})


async def _import(settings: Settings, options: Options, notes: Notes) -> None:
    async with AsyncExitStack() as stack:
        state = State(None if options.dry_run else _path(options))
        finished = False
        stack.callback(lambda: state.close(finished=finished))
        source = await _source(stack, state, options)
        engine = make_engine(settings, pool_size=2)
        stack.push_async_callback(engine.dispose)
        account = options.account
        if not account and options.folder is not None and not (options.folder / "accounts.csv").is_file():
            account = _default_account(options.data_dir)
        wish = Wish(
            _begin(settings, options, notes),
            account,
            options.senders,
            with_history=options.history,
            dry_run=options.dry_run,
        )
        writer = Accounts(
            engine,
            Vault(settings.secret_keys),
            notes,
            dry_run=options.dry_run,
            verification=settings.senders.require_verification,
        )
        importing = Importing(
            engine=engine, source=source, state=state, accounts=writer, notes=notes, wish=wish, say=_say
        )
        try:
            await importing.run()
        except Refused:  # nothing was begun: when it is, later, it ends later
            finished = True
            raise
        finished = True


def _begin(settings: Settings, options: Options, notes: Notes) -> datetime:
    """Return where history begins: not before the months of which details are kept, by which they are known again."""
    days = settings.retention.detail_days
    if not days or not options.history:
        return options.since
    month = first_kept(utc_now(), days)
    kept = datetime(month.year, month.month, 1, tzinfo=UTC)
    if kept > options.since:
        notes.warn(f"history before {month} is left out: details are kept for {days} days (retention.detail_days)")
    return max(kept, options.since)


async def _source(stack: AsyncExitStack, state: State, options: Options) -> Source:
    """Return the source.

    Raises:
        SourceFailed: It can't be read.
    """
    if options.folder is not None:
        sender = options.senders[0] if len(options.senders) == 1 else ""
        return Folder(options.folder, master=options.account or _default_account(options.data_dir), sender=sender)
    since = parse_start(state.fact("since", iso(options.since))) or options.since
    until = parse_start(state.fact("until", iso(utc_now()))) or utc_now()
    state.commit()  # an import that is begun again asks for the same range
    return await stack.enter_async_context(Server(options.url, options.key, since=since, until=until))


def _default_account(data_dir: Path) -> str:
    return str(DataDirectory(data_dir).runtime().get("username") or USERNAME)


def _path(options: Options) -> Path:
    """Return where the state of this import is kept."""
    options.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    source = str(options.folder.resolve()) if options.folder else f"{options.url} {options.key}"
    words = (source, options.account, str(options.history), *sorted(options.senders))
    digest = hashlib.sha256("\0".join(words).encode()).hexdigest()[:16]
    return options.data_dir / f"import-dyn-{digest}.sqlite"


def _say(line: str) -> None:
    print("".join(one if one.isprintable() else " " for one in line), file=sys.stderr, flush=True)


def _print(notes: Notes, options: Options) -> None:
    counts = dict(sorted((name, count) for name, count in notes.counts.items() if count))
    if options.as_json:
        summary = {"dry_run": options.dry_run, "counts": counts, "warnings": notes.warnings}
        print(orjson.dumps(summary, option=orjson.OPT_INDENT_2).decode())
        return
    for warning in notes.warnings:
        _say(f"warning: {warning}")
    print("\n".join(f"{name}={count}" for name, count in counts.items()))
