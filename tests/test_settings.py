"""Settings: from the environment and a file, and no nonsense."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import Settings, as_environment

NEEDED = {
    "public_url": "https://mail.example.com/",
    "secret_keys": f"{'a' * 32},{'b' * 32}",
    "bounce_domain": "bounces.example.com",
    "database_url": "postgresql+asyncpg://app@/app",
    "broker_url": "redis://127.0.0.1/0",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_environment(NEEDED).items():
        monkeypatch.setenv(name, value)


def test_logical_names_become_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in as_environment(
        {"delivery.route": "relay", "delivery.in_doubt": "hold", "delivery.retry_seconds": "1,2", "dyno.port": 0}
    ).items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.secret_keys == ["a" * 32, "b" * 32]
    assert settings.public_url == "https://mail.example.com"
    assert (settings.delivery.route, settings.delivery.in_doubt, settings.dyno.port) == ("relay", "hold", 0)
    assert settings.delivery.retry_seconds == [1, 2]


def test_a_file_fills_what_the_environment_leaves_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "trireme.toml"
    file.write_text('bounce_domain = "of.the.file"\nnode_name = "mail-7"\n[send]\nmax_recipients = 5\n')
    monkeypatch.setenv("TRIREME_CONFIG", str(file))
    settings = Settings()
    assert (settings.bounce_domain, settings.node_name, settings.send.max_recipients) == (
        "bounces.example.com",
        "mail-7",
        5,
    )


@pytest.mark.parametrize("missing", sorted(NEEDED))
def test_what_has_no_default_is_required(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"TRIREME_{missing.upper()}")
    with pytest.raises(ValidationError, match=missing):
        Settings()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRIREME_SECRET_KEYS", "too short"),
        ("TRIREME_PUBLIC_URL", "mail.example.com"),
        ("TRIREME_DELIVERY_ROUTE", "pigeon"),
        ("TRIREME_SEND_MAX_RECIPIENTS", "many"),
        ("TRIREME_DELIVERY_ROUT", "relay"),
    ],
)
def test_nonsense_is_refused(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()
