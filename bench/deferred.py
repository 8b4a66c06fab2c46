"""Much mail that waits, and how long one message takes.

`deferred` fills the queue through the store's own verbs, with `--waiting` messages over 10,000
domains, and looks what that costs: accepting, memory, a restart, and the drain when what they
wait for is back. `latency` sends one message after the other and looks when each arrives.
"""

from __future__ import annotations

import argparse
import asyncio
import smtplib
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import uvloop

from bench.figures import Row, Sink, settle, source
from bench.peers import PEERS
from bench.processes import Server, free_port, wait_for_port
from ulak.app.places import Places
from ulak.mail.envelope import Envelope
from ulak.queue.item import Body, Message, Pending
from ulak.queue.sqlite import SqliteStore

_DOMAINS = 10_000
_AT_ONCE = 500
_TOLD = 100_000  # messages
_WAITING_BODY = b"Subject: waiting\r\n\r\n" + b"x" * 76 + b"\r\n"
_WARM = 100  # messages before those that count
_DAY = 86_400.0
_LONGEST_DRAIN = 900.0  # seconds; what is left then is not waited for
_SAID_EVERY = 10.0  # seconds
_ONE_BY_ONE = 500
_BETWEEN = 0.02  # seconds


def deferred(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure a queue with very many messages that are due much later."""
    folder.mkdir(parents=True)
    port, sink_port = free_port(), free_port()
    workers = asked.workers if asked.workers.isdigit() else "1"
    tell = _Progress()

    def command(*, relay: bool) -> list[str]:
        return list(PEERS["ulak"](folder, port, sink_port, relay=relay, workers=workers))

    tell("accepting with an empty queue")
    empty = _accepting(command(relay=False), port, folder, asked)[1]
    tell(f"putting {asked.waiting} messages into the queue")
    begun = time.monotonic()
    for index in range(int(workers)):
        share = asked.waiting // int(workers)
        uvloop.run(_fill(Places(folder / "data").queue(index), share, tell))
    filled = time.monotonic() - begun
    tell("accepting with that queue")
    ready, full, memory = _accepting(command(relay=False), port, folder, asked)
    tell("relaying with that queue")
    sink = Sink(sink_port)
    begun = time.monotonic()
    server = Server(command(relay=True), folder / "log")
    try:
        wait_for_port(port)
        source(port, 1, asked)
        settle(sink, 1)
        first = time.monotonic() - begun
        settle(sink, 2 * (_WARM + asked.messages) + 1)  # what was only accepted before
        relayed = _relaying(sink, port, asked)
        retry = [sys.executable, "-m", "ulak", "queue", "retry", "--all"]
        tell("draining")
        before, begun = sink.taken, time.monotonic()
        subprocess.run(
            [*retry, "--config", str(folder / "ulak.toml")], check=True, capture_output=True
        )
        due = time.monotonic() - begun
        highest = _drain(sink, before + asked.waiting, server, tell)
        gone = sink.taken - before
        drained = gone / (time.monotonic() - begun)
    finally:
        server.stop()
        sink.stop()
    return [
        (f"{asked.waiting} messages put into the queue", f"{filled:.1f} s"),
        ("accepted with an empty queue", f"{empty:.0f}/s"),
        ("accepted with that queue", f"{full:.0f}/s ({full / empty:.0%})"),
        ("resident memory with that queue, all processes", f"{memory:.0f} MiB"),
        ("from the start until it accepts", f"{ready:.2f} s"),
        ("from the start until a message is delivered", f"{first:.2f} s"),
        ("relayed with that queue", f"{relayed:.0f}/s"),
        ("all of them made due", f"{due:.1f} s"),
        (f"drained {gone} of them, with that time", f"{drained:.0f}/s ({drained / relayed:.0%})"),
        ("resident memory at the most in the drain", f"{highest:.0f} MiB"),
    ]


class _Progress:
    """Says on standard error what is done just now: all of it may take ten minutes."""

    def __init__(self) -> None:
        self._begun = time.monotonic()

    def __call__(self, what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - self._begun:7.0f} s  {what}\n")


def _relaying(sink: Sink, port: int, asked: argparse.Namespace) -> float:
    """Relay messages; how many in a second."""
    before, begun = sink.taken, time.monotonic()
    source(port, asked.messages, asked)
    settle(sink, before + asked.messages)
    return float(asked.messages / (time.monotonic() - begun))


def _drain(sink: Sink, count: int, server: Server, tell: _Progress) -> float:
    """Wait until a sink has so many messages, or for as long as is waited; give the most MiB."""
    highest, end = 0.0, time.monotonic() + _LONGEST_DRAIN
    said = time.monotonic()
    while sink.taken < count and time.monotonic() < end:
        time.sleep(0.1)
        if time.monotonic() - said >= _SAID_EVERY:
            said = time.monotonic()
            highest = max(highest, server.memory()[0])
            tell(f"{count - sink.taken} messages are left, {highest:.0f} MiB")
    return max(highest, server.memory()[0])


def _accepting(
    command: list[str], port: int, folder: Path, asked: argparse.Namespace
) -> tuple[float, float, float]:
    """Seconds until it accepts, messages a second, and MiB after them."""
    begun = time.monotonic()
    server = Server(command, folder / "log")
    try:
        wait_for_port(port)
        ready = time.monotonic() - begun
        source(port, _WARM, asked)
        begun = time.monotonic()
        source(port, asked.messages, asked)
        rate = asked.messages / (time.monotonic() - begun)
        return ready, rate, server.memory()[0]
    finally:
        server.stop()


async def _fill(where: Path, count: int, tell: _Progress) -> None:
    store = SqliteStore(where)
    now = time.time()
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            domain = f"d{number % _DOMAINS}.example"
            recipient = f"user{number}@{domain}"
            envelope = Envelope("sender@example.test", (recipient,))
            body = Body(len(_WAITING_BODY), _WAITING_BODY)
            message = Message(f"waiting{number:09}", envelope, body, now)
            reply = "421 4.3.2 Closed for maintenance, come back later"
            pending = Pending(
                recipient,
                domain,
                due=now + _DAY,
                attempts=1,
                cause="system-unavailable",
                reply=reply,
                host="mx",
            )
            await store.put(message, [pending])
            if number % _TOLD == _TOLD - 1:
                tell(f"{number + 1} are there")

    await asyncio.gather(*(client() for _ in range(_AT_ONCE)))
    await store.close()


def latency(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Measure how long one message takes at light load, from its last octet to its next hop."""
    folder.mkdir(parents=True)
    port, sink_port = free_port(), free_port()
    arrived: dict[str, float] = {}
    threading.Thread(
        target=_sink, args=(sink_port, arrived.setdefault), daemon=True, name="sink"
    ).start()
    command = PEERS["ulak"](folder, port, sink_port, relay=True, workers=asked.workers)
    server = Server(command, folder / "log")
    sent: dict[str, float] = {}
    try:
        wait_for_port(port)
        with smtplib.SMTP("127.0.0.1", port, "client.example.test") as smtp:
            for number in range(_ONE_BY_ONE + 20):
                text = f"Subject: n{number}\r\n\r\n" + ("x" * 76 + "\r\n") * (asked.size // 78)
                smtp.ehlo_or_helo_if_needed()
                smtp.mail("a@example.test")
                smtp.rcpt("b@example.net")
                smtp.putcmd("data")
                smtp.getreply()
                sent[f"n{number}"] = time.monotonic()
                smtp.send(text.encode() + b".\r\n")
                smtp.getreply()
                time.sleep(_BETWEEN)
        end = time.monotonic() + 30
        while len(arrived) < len(sent) and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        server.stop()
    took = sorted((arrived[name] - sent[name]) * 1000 for name in list(sent)[20:])
    return [
        ("a message on its way through, median", f"{statistics.median(took):.1f} ms"),
        ("a message on its way through, p99", f"{took[int(len(took) * 0.99)]:.1f} ms"),
    ]


def _sink(port: int, note: Callable[[str, float], float]) -> None:
    """Take mail, and note when each message has come."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        name, body = "", False
        while line := await reader.readline():
            if not body:
                body = line[:4].upper() == b"DATA"
                writer.write(b"354 go on\r\n" if body else b"250 ok\r\n")
            elif line.startswith(b"Subject: "):
                name = line[9:].strip().decode()
            elif line == b".\r\n":
                note(name, time.monotonic())
                body = False
                writer.write(b"250 taken\r\n")
        writer.close()

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(main())
