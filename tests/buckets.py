"""A real bucket for tests (OpenStack Swift, which speaks S3), and a road to it that can be bad."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from ulak.queue.postgres.bucket import Bucket
from ulak.queue.postgres.s3 import S3, Place

NAME = "mail"

# As that of PostgreSQL: it goes when nobody holds the other end of its standard input any more.
_GUARD = '"$@" <&- & child=$!; read -r _; kill -KILL $child; wait $child'


class BucketServer:
    """One server with one bucket, and the keys that open it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ulak-s3-"))
        self.keys = self.folder / "keys"
        self.keys.write_text("aws_access_key_id = test:ulak\naws_secret_access_key = secret\n")
        program = Path(__file__).with_name("bucketserver.py")
        words: list[str | Path] = [sys.executable, program, self.folder / "data", NAME]
        with (self.folder / "log").open("wb") as log:
            self._guard = subprocess.Popen(
                ["sh", "-c", _GUARD, "guard", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._guard.stdout is not None
        said = self._guard.stdout.readline()
        assert said, (self.folder / "log").read_text()
        self.port = int(said)

    def place(self, port: int = 0) -> Place:
        return Place(NAME, f"http://127.0.0.1:{port or self.port}", keys=self.keys)

    def bucket(self, larger_than: int = 0, port: int = 0, *, or_database: bool = True) -> Bucket:
        return Bucket(S3(self.place(port)), larger_than, prefix="ulak", or_database=or_database)

    def stop(self) -> None:
        self._guard.communicate()  # closes its standard input, and waits
        shutil.rmtree(self.folder, ignore_errors=True)


class Road:
    """A way to a server that can be cut, be slow, or answer in its place."""

    def __init__(self, port: int) -> None:
        self._there = port
        self.cut = False  # connections are closed at once
        self.silent = False  # what comes is read, and nothing is answered
        self.answer = b""  # what every request is answered with, in place of the server's answer
        self.spoilt = (b"", b"")  # what is put in place of what, in answers
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Road]:
        server = await asyncio.start_server(self._pass, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            self.break_off()

    def break_off(self) -> None:
        """Cut the connections that are there."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self.cut:
                return
            if self.silent or self.answer:
                await self._instead(reader, writer)
                return
            there, on = await asyncio.open_connection("127.0.0.1", self._there)
            self._open.add(on)
            try:
                await asyncio.gather(self._copy(reader, on), self._copy(there, writer, back=True))
            finally:
                self._open.discard(on)
                on.transport.abort()
        except OSError:
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _instead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        await reader.readexactly(length)
        if self.silent:
            await reader.read()
            return
        writer.write(self.answer)
        await writer.drain()

    async def _copy(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False
    ) -> None:
        while octets := await reader.read(65536):
            if self.silent or self.cut:
                await asyncio.sleep(3600) if self.silent else writer.transport.abort()
            if back and self.spoilt[0]:
                octets = octets.replace(*self.spoilt)
            writer.write(octets)
            await writer.drain()
        writer.transport.abort()
