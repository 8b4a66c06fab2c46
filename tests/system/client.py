"""A client on a socket that says lines and hears whole replies."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType
from typing import Self

MESSAGE = b"From: g@example.net\r\n\r\nhello"


class Client:
    """Connects from `source` to a port of this machine; under `trusting`, with TLS at once."""

    def __init__(
        self,
        port: int,
        *,
        host: str = "127.0.0.1",
        source: str = "",
        trusting: ssl.SSLContext | None = None,
    ) -> None:
        address = (source, 0) if source else None
        self._sock = socket.create_connection((host, port), 20, address)
        if trusting is not None:
            self._sock = trusting.wrap_socket(self._sock, server_hostname="mx.example.org")
        self._stream = self._sock.makefile("rwb")

    def start_tls(self, trusting: ssl.SSLContext) -> None:
        self._sock = trusting.wrap_socket(self._sock, server_hostname="mx.example.org")
        self._stream = self._sock.makefile("rwb")

    def hear(self) -> str:
        """Give a whole reply, `""` when the connection has ended."""
        lines = []
        while line := self._stream.readline():
            lines.append(line.decode().rstrip("\r\n"))
            if line[3:4] != b"-":
                break
        return "\n".join(lines)

    def write(self, octets: bytes) -> None:
        """Send octets, and wait for nothing."""
        self._stream.write(octets)
        self._stream.flush()

    def say(self, *lines: str) -> str:
        """Say lines at once and give the first reply."""
        self._stream.write("".join(f"{line}\r\n" for line in lines).encode())
        self._stream.flush()
        return self.hear()

    def send(self, message: bytes = MESSAGE, *, wishes: str = "") -> str:
        """Send a message to ada; give the reply to its end."""
        self.say(f"MAIL FROM:<g@example.net>{wishes}")
        self.say("RCPT TO:<ada@example.org>")
        said = self.say("DATA")
        assert said.startswith("354"), said
        self._stream.write(message + b"\r\n.\r\n")
        self._stream.flush()
        return self.hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()
        self._sock.close()
