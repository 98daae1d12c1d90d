"""What `up` prints when everything runs. Imports `app.settings`."""

from collections.abc import Mapping
from pathlib import Path

from app.cli.plan import SENDER
from app.settings import Settings

ROUTES = {
    "sandbox": "every mail goes to the sandbox inbox; nothing leaves this machine",
    "relay": "every mail goes to the relay",
    "mx": "mail goes to the recipients' own servers",
}


def text(settings: Settings, secrets: Mapping[str, object], data_dir: Path, seconds: float) -> str:
    """Return the lines: URLs, credentials, and one command that sends a mail.

    Args:
        settings: Of the parts.
        secrets: What secrets.json holds.
        data_dir: Where everything is kept.
        seconds: How long the start took.
    """
    base = f"http://{settings.api.host}:{settings.api.port}"
    key = str(secrets["api_key"]) or "YOUR-KEY"
    inbox = "trireme inbox" if data_dir == Path("var").absolute() else f"trireme inbox --data-dir {data_dir}"
    intake = (
        [f"  Mail that returns   smtp {settings.intake.host}:{settings.intake.port}"] if settings.intake.port else []
    )
    lines = [
        "",
        f"Trireme runs; ready after {seconds:.1f} s. {ROUTES[settings.delivery.route].capitalize()}.",
        "",
        f"  Dyn Email Delivery  {base}/rest/json/send",
        f"  Documentation       {base}/docs",
        *([f"  Dyno                http://{settings.api.host}:{settings.dyno.port}"] if settings.dyno.port else []),
        f"  Sandbox inbox       smtp {settings.sandbox.host}:{settings.sandbox.port}, to read: {inbox}",
        *intake,
        f"  Data                {data_dir}",
        f"  Account             {secrets['username']}  (password in {data_dir / 'secrets.json'})",
        f"  API key             {key}",
        "",
        "Send a mail:",
        "",
        f"curl {base}/rest/json/send -d apikey={key} -d from={SENDER} \\",
        "     -d to=you@example.com --data-urlencode 'subject=First mail' --data-urlencode 'bodytext=It works.'",
        "",
        "Ctrl-C stops everything.",
        "",
    ]
    return "\n".join(lines)
