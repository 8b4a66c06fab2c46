"""What the tour is played on: the internet in a box, and `ulak serve` in a folder of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Collection
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from ulak.app.places import Places
from ulak.journal.entry import Entry, Kind
from ulak.journal.reader import JournalReader
from ulak.journal.trace import JournalError, Trace
from ulak.lab.internet import BLOCKLIST, AddressUnusableError, Internet
from ulak.lab.provider import Provider
from ulak.language import LANGUAGES

HOSTNAME = "mx.example.org"
DOMAIN = "example.org"
ADA, GRACE = "ada@example.org", "grace@example.org"

_START = 30.0  # seconds for the server to say where it listens
_STOP = 5.0  # seconds for it to end when it is asked to
_PATIENCE = 10.0  # seconds for something to happen
_LOOK = 0.05  # seconds between looks
_WHERE = re.compile(r"127\.0\.0\.1:([0-9]{1,5})")

T = TypeVar("T")


class Trouble(StrEnum):
    """Why the tour cannot begin, as `texts/` names it."""

    ADDRESS = "address"
    LAB = "lab"
    SERVER = "server"


class StageError(Exception):
    """The tour cannot begin; `facts` are those of the text."""

    def __init__(self, trouble: Trouble, **facts: str) -> None:
        super().__init__(str(trouble))
        self.trouble, self.facts = trouble, facts


class Stage:
    """The lab and the server, from entering to leaving; `folder` is empty and ours alone.

    With a `provider` it is there, too. Entering raises StageError.
    """

    def __init__(self, folder: Path, provider: Provider | None = None) -> None:
        self.net = Internet(provider=provider)
        self.port = 0
        self.config = folder / "ulak.toml"
        self._folder = folder
        self._places = Places(folder / "data")
        self._process: Process | None = None
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.net.start()
        except AddressUnusableError as error:
            raise StageError(Trouble.ADDRESS, address=error.address) from error
        except OSError as error:
            problem = error.strerror or type(error).__name__
            raise StageError(Trouble.LAB, problem=problem) from error
        try:
            self.config.write_text(self._configuration(), "utf-8")
            await self._serve()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    # -- the server ---------------------------------------------------------------------------

    def _configuration(self) -> str:
        return f"""\
hostname = "{HOSTNAME}"
data = {json.dumps(str(self._places.data))}
workers = 1
languages = {json.dumps(LANGUAGES)}

[[listener]]
address = "127.0.0.1:0"
kind = "mx"

[domains."{DOMAIN}"]
mailboxes = ["ada", "grace"]

[relay]
networks = ["127.0.0.1/32"]

[delivery]
port = {self.net.port}
allow_private = true
retry = {{ first = "1s", factor = 1.0, longest = "1s", jitter = 0.0 }}

[dns]
servers = ["{self.net.name_server}"]

[policy]
min_free_disk = 0

[[policy.dnsbl]]
zone = "{BLOCKLIST}"

[limits]
shutdown = "1s"
"""

    async def _serve(self) -> None:
        """Start the server in a process group of its own and learn its port. Raises StageError."""
        with (self._folder / "log").open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ulak", "serve", "--config", str(self.config)),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,
            )
        said = self._process.stdout
        assert said is not None  # noqa: S101 -- it is a pipe
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START):
                while line := await said.readline():
                    if found := _WHERE.search(line.decode("utf-8", "replace")):
                        self.port = int(found[1])
                        self._listening = asyncio.create_task(_drain(said))
                        return
        said_last = (self._folder / "log").read_text("utf-8", "replace").strip()[-2000:]
        raise StageError(Trouble.SERVER, log=said_last or "-")

    async def _stop(self) -> None:
        """End every process and server that was started, whatever happens meanwhile."""
        process = self._process
        try:
            if process is not None and process.returncode is None:
                process.terminate()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), _STOP)
        finally:
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)  # the workers too, should they be left
        if process is not None:
            await process.wait()
        if self._listening is not None:
            await self._listening
        await self.net.stop()

    # -- what became of things ----------------------------------------------------------------

    async def until(self, look: Callable[[], T | None], patience: float = _PATIENCE) -> T | None:
        """Look until there is something to see; None if there is nothing for so many seconds."""
        loop = asyncio.get_running_loop()
        end = loop.time() + patience
        while True:
            seen = look()
            if seen is not None or loop.time() > end:
                return seen
            await asyncio.sleep(_LOOK)

    def trace(self, identifier: str) -> Trace | None:
        """Give what the journal has on an id by now."""
        with contextlib.suppress(JournalError):
            return JournalReader(self._places.journals()).trace(identifier)
        return None

    async def happened(self, identifier: str, kind: Kind, count: int = 1) -> tuple[Entry, ...]:
        """Wait for so many entries of a kind about a message, and give those there are then."""

        def look() -> tuple[Entry, ...] | None:
            found = self._own(identifier, kind)
            return found if len(found) >= count else None

        return await self.until(look) or self._own(identifier, kind)

    def _own(self, identifier: str, kind: Kind) -> tuple[Entry, ...]:
        found = self.trace(identifier)
        entries = found.entries if found else ()
        return tuple(e for e in entries if e.kind is kind and e.message == identifier)

    async def put_off(self, causes: Collection[str], patience: float) -> Entry | None:
        """Wait until an attempt was put off for one of these causes; give the entry about it."""

        def look() -> Entry | None:
            with contextlib.suppress(JournalError):
                reader = JournalReader(self._places.journals())
                return next(iter(reader.recent(1, (Kind.DEFERRED,), causes)), None)
            return None

        return await self.until(look, patience)

    async def refused(self, cause: str) -> Trace | None:
        """Wait until the journal has a session that was refused for a cause; give all of it."""

        def look() -> Trace | None:
            with contextlib.suppress(JournalError):
                reader = JournalReader(self._places.journals())
                for entry in reader.recent(1, (Kind.REFUSED,), (cause,)):
                    found = reader.trace(entry.session)
                    if found and any(e.kind is Kind.CLOSED for e in found.entries):
                        return found
            return None

        return await self.until(look)

    async def arrived(self, mailbox: str, count: int) -> list[bytes]:
        """Wait for so many messages in a local Maildir; give those there are then, newest last."""

        def look() -> list[bytes] | None:
            found = self._maildir(mailbox)
            return found if len(found) >= count else None

        return await self.until(look) or self._maildir(mailbox)

    def _maildir(self, mailbox: str) -> list[bytes]:
        local, _, domain = mailbox.partition("@")
        files = (self._places.mail / domain / local / "new").glob("*")
        return [f.read_bytes() for f in sorted(files, key=lambda f: f.stat().st_mtime_ns)]

    async def ulak(self, *words: str, columns: int) -> tuple[int, str]:
        """Run another command on this server's configuration; give its exit code and output."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ulak", *words, "--config", str(self.config)),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "COLUMNS": str(columns), "PYTHONIOENCODING": "utf-8"},
        )
        try:
            async with asyncio.timeout(_START):
                out, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode("utf-8", "replace")


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.read(65_536):
        pass
