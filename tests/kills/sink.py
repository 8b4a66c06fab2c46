"""A server that takes all mail, and notes of each copy whose it was and when it came."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from dataclasses import dataclass, field

from tests.kills.clients import nobody

_ID = re.compile(rb"^X-Id: (\S+)\r?$", re.MULTILINE)
# The message's id in the topmost Received field, which is of the node that has sent it.
_RECEIVED = re.compile(rb"^Received:(?:[^\n]|\n[ \t])*?\sid\s+([A-Za-z0-9._-]+)", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^@]+)@", re.MULTILINE)  # of a report, of which it is


@dataclass(slots=True)
class Copy:
    """One attempt that came as far as DATA. Times are of `time.time`.

    `node` is the name that the client gave, `opened` when the attempt was first heard of: by its
    connection, or by its MAIL where another went before over the same. `answered` is when 250 went
    out, 0 for never.
    """

    node: str
    opened: float
    began: float
    answered: float = 0.0
    recipients: tuple[str, ...] = ()
    report: bool = False  # its sender is nobody
    name: str = ""  # by which the sender knows the message, or the one that a report is about
    message: str = ""  # by which the node knows it

    @property
    def whole(self) -> bool:
        """Whether all of it came."""
        return self.answered > 0


@dataclass(slots=True)
class Record:
    """What a sink has noted."""

    copies: list[Copy] = field(default_factory=list)

    def names(self) -> set[str]:
        """Give the messages of which a copy came."""
        return {copy.name for copy in list(self.copies) if copy.whole and not copy.report}

    def arrived(self) -> set[tuple[str, str]]:
        """Give messages with their recipients who have them, or are reported."""
        whole = [copy for copy in list(self.copies) if copy.whole]
        return {
            (copy.name, nobody(copy.name) if copy.report else recipient)
            for copy in whole
            for recipient in copy.recipients
        }


class RecordingSink:
    """The server, in a thread. `delay` is how many seconds it takes for a message."""

    def __init__(self, host: str = "0.0.0.0") -> None:
        self.delay = 0.0
        self.record = Record()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, host, 0, limit=1 << 22), self._loop
        ).result(10)
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._session(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # who was killed does not say goodbye
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        node, opened, fresh, report = "", time.time(), True, False
        recipients: list[str] = []
        writer.write(b"220 sink.example ESMTP\r\n")
        while True:
            line = await reader.readuntil(b"\r\n")
            verb = line[:4].upper()
            if verb in (b"EHLO", b"HELO"):
                node = line[5:].decode().strip()
                writer.write(b"250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif verb == b"MAIL":
                opened, fresh = opened if fresh else time.time(), False
                report, recipients = b"<>" in line, []
                writer.write(b"250 2.1.0 Well\r\n")
            elif verb == b"RCPT":
                recipient = line[line.index(b"<") + 1 : line.index(b">")].decode()
                if recipient.startswith("nobody."):
                    writer.write(b"550 5.1.1 No such user\r\n")
                else:
                    recipients.append(recipient)
                    writer.write(b"250 2.1.5 Well\r\n")
            elif verb == b"DATA" and not recipients:
                writer.write(b"554 5.5.1 To nobody\r\n")
            elif verb == b"DATA":
                writer.write(b"354 Go on\r\n")
                copy = Copy(node, opened, time.time(), report=report)
                copy.recipients = tuple(recipients)
                self.record.copies.append(copy)
                body = await reader.readuntil(b"\r\n.\r\n")
                if found := _ID.search(body):
                    copy.name = found[1].decode()
                if found := (_MESSAGE_ID if report else _RECEIVED).search(body):
                    copy.message = found[1].decode()
                await asyncio.sleep(self.delay)
                copy.answered = time.time()
                writer.write(b"250 2.0.0 Taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 Goodbye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"250 2.0.0 Well\r\n")
