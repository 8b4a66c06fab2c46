"""A web server on loopback that serves policies of MTA-STS, well and ill."""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self

from ulak.lab.certificate import Certificate, server_context

POLICY = "version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: {age}\r\n"


def policy(mode: str = "enforce", mx: str = "mx1.example.net", age: int = 86_400) -> str:
    return POLICY.format(mode=mode, mx=mx, age=age)


class PolicyHost:
    """Answers every question over HTTPS alike. `asked` are the first lines of the questions."""

    def __init__(self, shown: Certificate, body: str = "") -> None:
        self._context = server_context(shown)
        self.body = body or policy()
        self.status = "200 OK"
        self.media_type = "text/plain"
        self.more = ""  # fields of the header
        self.silent = False
        self.asked: list[str] = []
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.names: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

        def note(_socket: object, name: str | None, _context: ssl.SSLContext) -> None:
            self.names.append(name or "")

        self._context.sni_callback = note

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, ssl=self._context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            question = await reader.readuntil(b"\r\n\r\n")
            self.asked.append(question.split(b"\r\n")[0].decode())
            self.heads.append(question.decode())
            if question.startswith(b"POST"):
                size = question.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
                self.bodies.append(await reader.readexactly(int(size)))
            if self.silent:
                await asyncio.sleep(3600)
            body = self.body.encode()
            head = f"HTTP/1.1 {self.status}\r\nContent-Type: {self.media_type}\r\n{self.more}"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)
