"""An HTTP server that notes what it is asked, for postbacks."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Catcher:
    """What has come so far.

    Attributes:
        url: Where it listens.
        paths: Path and query of each request, in order.
        on_request: Called with the path before it is answered; what it returns is kept in `seen`.
        seen: What `on_request` returned, in order.
    """

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.on_request: Callable[[str], object] = lambda _: None
        self.seen: list[object] = []
        catcher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                catcher.seen.append(catcher.on_request(self.path))
                catcher.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@contextmanager
def catching() -> Iterator[Catcher]:
    """A catcher that is closed afterwards."""
    catcher = Catcher()
    try:
        yield catcher
    finally:
        catcher.close()
