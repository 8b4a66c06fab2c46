"""The single measurements."""

from __future__ import annotations

import argparse
import os
import re
import resource
import smtplib
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench.peers import PEERS
from bench.processes import Server, free_port, wait_for_port

_SOURCE, _SINK = "/usr/sbin/smtp-source", "/usr/sbin/smtp-sink"
_USER = ("-u", "nobody") if os.geteuid() == 0 else ()  # it will not work as root
_TIMEOUT = 300.0
Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """One round: messages a second, CPU milliseconds a message, proportional memory in MiB."""

    rate: float
    cpu: float
    pss: float


class Sink:
    """smtp-sink, counting what it took: its own counter goes to standard output."""

    def __init__(self, port: int) -> None:
        self.taken = 0
        self.process = subprocess.Popen(
            [_SINK, *_USER, "-c", "-m", "3000", f"127.0.0.1:{port}", "1000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._thread = threading.Thread(target=self._count, daemon=True)
        self._thread.start()

    def _count(self) -> None:
        text = b""
        stream = self.process.stdout
        assert stream is not None
        while piece := os.read(stream.fileno(), 65_536):
            text = (text + piece)[-4096:]
            numbers = re.findall(rb"=(\d+)", text)
            if numbers:
                self.taken = int(numbers[-1])

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait()


def flow(name: str, folder: Path, asked: argparse.Namespace, *, relay: bool) -> Run:
    """Send messages in; with `relay` the clock stops when the sink has the last one."""
    folder.mkdir(parents=True)
    port, sink_port = free_port(), free_port()
    sink = Sink(sink_port) if relay else None
    command = PEERS[name](folder, port, sink_port, relay=relay, workers=asked.workers)
    server = Server(command, folder / "log")
    try:
        wait_for_port(port)
        source(port, 100, asked)
        settle(sink, 100)
        before, cpu, begun = (sink.taken if sink else 0), server.cpu(), time.monotonic()
        source(port, asked.messages, asked)
        settle(sink, before + asked.messages)
        took = time.monotonic() - begun
        used = server.cpu() - cpu
        pss = server.memory()[1]
    finally:
        server.stop()
        if sink:
            sink.stop()
    return Run(asked.messages / took, used / asked.messages * 1000, pss)


def source(port: int, count: int, asked: argparse.Namespace, to: str = "rcpt@example.net") -> None:
    """Send messages with smtp-source."""
    subprocess.run(
        [
            *(_SOURCE, "-s", str(asked.sessions), "-m", str(count), "-l", str(asked.size)),
            *("-d", "-N", "-f", "sender@example.test", "-t", to),
            f"127.0.0.1:{port}",
        ],
        check=True,
        timeout=_TIMEOUT,
        stdout=subprocess.DEVNULL,
    )


def settle(sink: Sink | None, count: int, seconds: float = _TIMEOUT) -> None:
    """Wait until a sink has so many messages. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while sink is not None and sink.taken < count:
        if time.monotonic() > end:
            message = f"the sink has {sink.taken} of {count} messages"
            raise TimeoutError(message)
        time.sleep(0.002)


def idle(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Tell the memory of the server at rest, and of each connection that is idle after EHLO."""
    count = 2000
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 200, resource.getrlimit(7)[1]))
    folder.mkdir(parents=True)
    port = free_port()
    server = Server(
        PEERS["ulak"](folder, port, free_port(), relay=False, workers=asked.workers), folder / "log"
    )
    try:
        wait_for_port(port)
        time.sleep(1)
        rss, pss = server.memory()
        connections = []
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.recv(200)
            sock.sendall(b"EHLO client.example.test\r\n")
            sock.recv(500)
            connections.append(sock)
        time.sleep(1)
        after = server.memory()[0]
        for sock in connections:
            sock.close()
    finally:
        server.stop()
    return [
        ("resident memory at rest, all processes", f"{rss:.1f} MiB (PSS {pss:.1f})"),
        (f"each of {count} idle connections", f"{(after - rss) * 1024 / count:.1f} KiB"),
    ]


def large(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Tell how much one message of 50 MB makes the server grow, at its highest."""
    folder.mkdir(parents=True)
    port = free_port()
    server = Server(
        PEERS["ulak"](folder, port, free_port(), relay=False, workers=asked.workers), folder / "log"
    )
    try:
        wait_for_port(port)
        time.sleep(1)
        before = server.memory()[0]
        peak = [before]
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                peak[0] = max(peak[0], server.memory()[0])
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        body = "From: a@example.test\r\n\r\n" + ("x" * 76 + "\r\n") * (49_900_000 // 78)
        begun = time.monotonic()
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("a@example.test", ["b@example.net"], body)
        took = time.monotonic() - begun
        done.set()
        watcher.join()
    finally:
        server.stop()
    return [
        ("a 50 MB message: growth at the highest", f"{peak[0] - before:.1f} MiB"),
        ("a 50 MB message: time", f"{took:.2f} s"),
    ]


def backlog(folder: Path, asked: argparse.Namespace) -> list[Row]:
    """Tell how long a listing and a restart take with 100,000 messages in the queue."""
    count = 100_000
    folder.mkdir(parents=True)
    port = free_port()
    command = PEERS["ulak"](folder, port, free_port(), relay=False, workers=asked.workers)
    server = Server(command, folder / "log")
    listing = [sys.executable, "-m", "ulak", "queue", "list", "--all"]
    listing += ["--config", str(folder / "ulak.toml")]
    try:
        wait_for_port(port)
        size, asked.size = asked.size, 1000
        source(port, count, asked)
        asked.size = size
        begun = time.monotonic()
        out = subprocess.run(listing, check=True, capture_output=True).stdout
        listed = time.monotonic() - begun
        lines = out.count(b"\n")
        server.stop(9)
        begun = time.monotonic()
        server = Server(command, folder / "log")
        wait_for_port(port)
        ready = time.monotonic() - begun
    finally:
        server.stop()
    return [
        (f"ulak queue list with {count} messages", f"{listed:.2f} s ({lines} lines)"),
        ("ready again after SIGKILL with that queue", f"{ready:.2f} s"),
    ]
