"""Serve the page of a store on this machine: made when it is first asked for, and again when there are more runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOPBACK = "127.0.0.1"


class BoardServer:
    """A server of one page, on the loopback address alone, in a thread of its own until `close`.

    Args:
        count: how many runs are stored now.
        make: makes the page.
        port: to take if it is free; 0 or a busy one: any.

    Raises:
        OSError: there is none.
    """

    def __init__(self, count: Callable[[], int], make: Callable[[], str], port: int = 0) -> None:
        self._count, self._make = count, make
        self._lock = threading.Lock()
        self._made: tuple[int, bytes] | None = None
        board = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = board.page() if self.path == "/" else None
                self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing: the terminal is the user's."""

        try:
            self._server = ThreadingHTTPServer((LOOPBACK, port), Handler)
        except OSError:
            self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://{LOOPBACK}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def page(self) -> bytes:
        """Return the page as it is now."""
        with self._lock:
            now = self._count()
            if self._made is None or self._made[0] != now:
                self._made = now, self._make().encode()
            return self._made[1]

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
