"""What a running `up` tells scripts: runtime.json, and whether the API is ready. Imports `app.settings`."""

import http.client
from collections.abc import Callable, Mapping, Sequence

from app.settings import Settings

READY = "/api/trireme/v1/system/ready"
TIMEOUT_SECONDS = 3


def describe(
    settings: Settings,
    secrets: Mapping[str, object],
    pid_of: Callable[[str], int | None],
    deliveries: Sequence[str],
) -> dict[str, object]:
    """Return what runtime.json holds; scripts rely on its names and their nesting.

    Args:
        settings: Of the parts.
        secrets: What secrets.json holds.
        pid_of: The process id of a part by its name; None when it was not started.
        deliveries: The names of the delivery processes.
    """
    submits = bool(settings.smtp.port)
    return {
        "http": f"http://{settings.api.host}:{settings.api.port}",
        "dyno": f"http://{settings.api.host}:{settings.dyno.port}" if settings.dyno.port else None,
        "sandbox_smtp": f"{settings.sandbox.host}:{settings.sandbox.port}",
        "intake_smtp": f"{settings.intake.host}:{settings.intake.port}" if settings.intake.port else None,
        **({"submission_smtp": f"{settings.smtp.host}:{settings.smtp.port}"} if submits else {}),
        "database_url": settings.database_url,
        "broker_url": settings.broker_url,
        "username": secrets["username"],
        "password": secrets["password"],
        "api_key": secrets["api_key"],
        "pids": {
            "api": [pid_of("api")],
            "delivery": [pid_of(name) for name in deliveries],
            "worker": [pid_of("worker")],
            "scheduler": [pid_of("scheduler")],
            "outbox": [pid_of("outbox")],
            "sandbox": [pid_of("sandbox")],
            "intake": [pid_of("intake")],
            **({"submission": [pid_of("submission")]} if submits else {}),
            "postgres": pid_of("postgres"),
            "valkey": pid_of("valkey"),
        },
    }


def is_ready(host: str, port: int) -> bool:
    """Ask the API whether it is fit for service."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", READY)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
