"""One server on a real socket, talked to by Python's own client."""

from __future__ import annotations

import asyncio
import itertools
import smtplib
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

from ulak.journal.entry import Entry, Kind
from ulak.queue.item import Lease, Message, Pending
from ulak.queue.store import StorageError, StorageFullError
from ulak.replies import catalog
from ulak.replies.reply import Reply
from ulak.server.directory import Directory, Domain
from ulak.server.listener import Endpoint, Listener, ListenError
from ulak.server.site import Rules, Site


class Store:
    """Keeps what is put; fails when told to."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.bodies: list[bytes] = []
        self.error: Exception | None = None

    async def put(
        self, message: Message, pending: Sequence[Pending], *, lease: bool = False
    ) -> Lease | None:
        del pending, lease
        if self.error is not None:
            raise self.error
        self.messages.append(message)
        body = message.body
        self.bodies.append(body.path.read_bytes() if body.path else body.data or b"")
        return None


class Notes:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def write(self, entry: Entry) -> None:
        self.entries.append(entry)


class Running:
    """A listener with what it needs, and a client in a thread."""

    def __init__(self, tmp_path: Path, **rules: Any) -> None:
        self.store, self.notes = Store(), Notes()
        counter = itertools.count(1)
        domains = {
            "example.org": Domain(
                frozenset({"ada"}),
                {"team": ("ada@example.org", "far@example.net")},
            )
        }
        self.site = Site(
            rules=Rules("mx.example.org", **rules),
            directory=Directory("mx.example.org", domains),
            store=self.store,
            journal=self.notes,
            clock=time.time,
            new_id=lambda: f"id{next(counter)}",
            incoming=tmp_path,
            incident=lambda _error: "INC1",
        )


T = TypeVar("T")


def serve(running: Running, client: Callable[[int], T]) -> T:
    """Run the server for as long as the client talks."""

    async def main() -> T:
        listener = Listener(running.site, (Endpoint("127.0.0.1", 0),), share=False)
        ((_, port),) = await listener.start()
        try:
            return await asyncio.to_thread(client, port)
        finally:
            await listener.stop(1.0)

    return asyncio.run(main())


def test_a_message_is_taken_with_its_trace(tmp_path: Path) -> None:
    running = Running(tmp_path)

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, "client.example.net") as smtp:
            smtp.sendmail("grace@example.net", ["ada@example.org"], "From: g@example.net\n\nhi\n")

    serve(running, client)
    (message,) = running.store.messages
    assert message.envelope.recipients == ("ada@example.org",)
    body = running.store.bodies[0]
    assert body.startswith(
        b"Received: from client.example.net ([127.0.0.1])\r\n\tby mx.example.org with ESMTP id"
    )
    assert body.endswith(b"From: g@example.net\r\n\r\nhi\r\n")
    assert Kind.ACCEPTED in [entry.kind for entry in running.notes.entries]


def test_a_large_message_goes_through_a_file(tmp_path: Path) -> None:
    running = Running(tmp_path, body_threshold=1000)
    text = "From: g@example.net\n\n" + "x" * 70 + "\n" + (("y" * 70 + "\n") * 5000)

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("grace@example.net", ["ada@example.org"], text)

    serve(running, client)
    (message,) = running.store.messages
    assert message.body.path is not None
    assert message.body.size == len(running.store.bodies[0])
    assert running.store.bodies[0].endswith(text.replace("\n", "\r\n").encode())


@pytest.mark.parametrize(
    ("error", "code"), [(StorageError("io"), 451), (StorageFullError("full"), 452)]
)
def test_what_is_not_stored_is_not_acknowledged(
    tmp_path: Path, error: Exception, code: int
) -> None:
    running = Running(tmp_path)
    running.store.error = error

    def client(port: int) -> int:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            try:
                smtp.sendmail("g@example.net", ["ada@example.org"], "From: g\n\nhi\n")
            except smtplib.SMTPDataError as refused:
                return refused.smtp_code
        return 250

    assert serve(running, client) == code


def test_only_local_mailboxes_and_relay_networks_are_served(tmp_path: Path) -> None:
    running = Running(tmp_path)

    def client(port: int) -> list[int]:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.ehlo()
            smtp.mail("g@example.net")
            return [
                smtp.rcpt(to)[0]
                for to in ("nobody@example.org", "far@example.net", "team@example.org")
            ]

    assert serve(running, client) == [550, 550, 250]


def test_vrfy_withheld_is_the_same_for_everyone(tmp_path: Path) -> None:
    running = Running(tmp_path)

    def client(port: int) -> set[tuple[int, bytes]]:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            return {smtp.verify(user) for user in ("ada@example.org", "no@example.org", "ada")}

    assert len(serve(running, client)) == 1


def test_a_refused_client_hears_only_503_until_it_quits(tmp_path: Path) -> None:
    running = Running(tmp_path)

    async def admit(ip: str, _session: str) -> Reply:
        return catalog.CLIENT_DENIED.reply(ip=ip)

    running.site.admit = admit

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            got = sock.recv(1000)
            sock.sendall(b"EHLO c\r\nMAIL FROM:<>\r\nQUIT\r\n")
            while data := sock.recv(1000):
                got += data
            return got

    codes = [line[:3] for line in serve(running, client).split(b"\r\n") if line]
    assert codes == [b"554", b"503", b"503", b"221"]


def test_an_error_inside_is_a_451_without_its_text(tmp_path: Path) -> None:
    running = Running(tmp_path)

    def broken(_header: bytes) -> None:
        message = "secret detail"
        raise RuntimeError(message)

    running.site.judge = broken

    def client(port: int) -> smtplib.SMTPDataError | None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            try:
                smtp.sendmail("g@example.net", ["ada@example.org"], "From: g\n\nhi\n")
            except smtplib.SMTPDataError as refused:
                return refused
        return None

    error = serve(running, client)
    assert error is not None
    assert error.smtp_code == 451
    assert "INC1" in str(error.smtp_error)
    assert "secret" not in str(error.smtp_error)


def test_a_port_in_use_says_which(tmp_path: Path) -> None:
    running = Running(tmp_path)

    async def main(port: int) -> None:
        listener = Listener(running.site, (Endpoint("127.0.0.1", port),), share=False)
        await listener.start()

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}"):
            asyncio.run(main(port))
