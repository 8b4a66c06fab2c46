"""A receiver of webhooks: a real HTTP server in a thread, which answers as it is told to."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ulak.events.signature import FIELD, verify

SECRET = b"correct horse battery staple"


class Receiver:
    """`status` is what it answers, `hangs` for how many seconds it says nothing."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.status = 200
        self.hangs = 0.0
        self.fields: dict[str, str] = {}
        self.requests: list[dict[str, Any]] = []
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if not verify(SECRET, body, self.headers.get(FIELD, ""), time.time()):
                    receiver.forged += 1
                time.sleep(receiver.hangs)
                if receiver.status == 200:
                    receiver.requests.append(json.loads(body))
                self.send_response(receiver.status)
                for name, value in receiver.fields.items():
                    self.send_header(name, value)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [event for request in list(self.requests) for event in request["events"]]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
