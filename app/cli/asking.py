"""Settings for commands that ask the database of an installation, however it runs. Imports `app.settings`."""

from pathlib import Path

from app.cli.configuration import NotConfigured, is_given, load
from app.cli.state import DataDirectory
from app.settings import Settings

_PLACEHOLDERS: dict[str, object] = {
    "public_url": "http://127.0.0.1",
    "bounce_domain": "bounces.localhost.test",
    "secret_keys": "0" * 32,
    "broker_url": "redis://127.0.0.1/0",
}
"""Needed by settings, but not for asking."""


def settings_for_asking(data_dir: Path, *, statement_seconds: float) -> Settings:
    """Return settings with the database the environment names, or else that of the `trireme up` on `data_dir`.

    Args:
        data_dir: Where `trireme up` keeps everything.
        statement_seconds: How long a statement may take.

    Raises:
        NotConfigured: There is neither, or a setting is not valid.
    """
    values = {name: value for name, value in _PLACEHOLDERS.items() if not is_given(name)}
    if not is_given("database_url"):
        runtime = DataDirectory(data_dir).runtime()
        if "database_url" not in runtime:
            raise NotConfigured(
                f"Nothing runs on {data_dir.absolute()}, and TRIREME_DATABASE_URL is not set: no database to ask."
            )
        values["database_url"] = runtime["database_url"]
    return load({**values, "database.statement_timeout_seconds": statement_seconds})
