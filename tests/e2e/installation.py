"""A data directory as a first start leaves it: what starts on a copy of it starts as the second time.

Made by what `trireme up` consists of, without the parts that a first start ends with.
"""

import shutil
from pathlib import Path

from app.cli.account import create
from app.cli.plan import BOUNCE_DOMAIN, SENDER, new_secrets
from app.cli.state import DataDirectory
from app.embedded.postgres import EmbeddedPostgres
from app.settings import Settings, as_environment
from tests.e2e.platform import trireme


def make(directory: Path) -> None:
    """Make the directory: a migrated cluster with the first account, and the secrets that belong to it."""
    directory.mkdir(mode=0o700)
    kept = new_secrets()
    postgres = EmbeddedPostgres(directory, durable=False)
    try:
        values = {
            "public_url": "http://127.0.0.1",
            "secret_keys": kept["secret_keys"],
            "bounce_domain": BOUNCE_DOMAIN,
            "database_url": postgres.start(),
            "broker_url": "redis://127.0.0.1:1/0",
            "data_dir": directory,
        }
        settings = Settings.model_validate(values)
        trireme("migrate", **as_environment(values | {"secret_keys": settings.secret_keys[0]}))
        username, password = str(kept["username"]), str(kept["password"])
        kept["api_key"] = create(settings, username=username, password=password, sender=SENDER)
    finally:
        postgres.stop()
    DataDirectory(directory).keep_secrets(kept | {"database": "embedded"})
    # The sockets; not there when the cluster had to be made elsewhere.
    shutil.rmtree(directory / "run", ignore_errors=True)
