"""The HTTP part: one server process on two listeners. Imports `app.main` and uvicorn."""

import socket
import sys

import uvicorn

from app.kit import memory
from app.kit.ports import listen
from app.main import Application, create_app
from app.settings import Settings

GRACE_SECONDS = 10
"""How long requests in flight may take once the server was asked to stop."""


def serve(settings: Settings) -> int:
    """Serve both listeners until a signal, and return the exit status.

    `app.main` tells the listeners apart by the port a connection came in on.
    """
    ports = [settings.api.port, *([settings.dyno.port] if settings.dyno.port else [])]
    sockets: list[socket.socket] = []
    try:
        for port in ports:
            sockets.append(listen(settings.api.host, port))
    except OSError as error:
        print(f"Cannot listen on {settings.api.host} port {port}: {error.strerror or error}", file=sys.stderr)
        for listener in sockets:
            listener.close()
        return 1
    config = configuration(create_app(settings), settings)
    server = uvicorn.Server(config)
    config.load()
    memory.settle()
    server.run(sockets=sockets)
    return 0 if server.started else 1


def configuration(application: Application, settings: Settings) -> uvicorn.Config:
    """Return how the server runs an application.

    Args:
        application: The service.
        settings: `proxy.trusted`; without one a client is who connects, whatever headers say.
    """
    return uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.proxy.trusted),
        forwarded_allow_ips=settings.proxy.trusted,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
