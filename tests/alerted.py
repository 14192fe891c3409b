"""A server that takes alerts, as a chat service does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Alerted:
    """What it was told, and how it answers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.status = 200


@contextmanager
def serve_alerts() -> Iterator[tuple[str, Alerted]]:
    """Its address, and what it was told."""
    told = Alerted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if told.status == 200:
                told.texts.append(json.loads(body)["text"])
            self.send_response(told.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - its name in the base class
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hooks/secret", told
        server.shutdown()
        thread.join()
