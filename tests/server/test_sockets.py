"""One server on a real socket, talked to by Python's own client, on both event loops."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import time
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from ulak.queue.store import StorageError, StorageFullError
from ulak.server.listener import Endpoint, Listener, ListenError
from ulak.server.site import Rules

from .dialogue import Server, told
from .running import LOOPS, serve

RULES = Rules("mx.example.org")


@pytest.fixture(params=sorted(LOOPS))
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read_all(sock: socket.socket) -> bytes:
    """Read until the server closes."""
    got = b""
    while data := sock.recv(65_536):
        got += data
    return got


def codes(octets: bytes) -> list[str]:
    return [line[:4].decode().strip() for line in octets.split(b"\r\n") if line]


def test_a_message_is_taken_with_its_trace(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port, "client.example.net") as smtp:
            smtp.sendmail("grace@example.net", ["ada@example.org"], "From: g@example.net\n\nhi\n")

    serve(server, client, loop=loop)
    (message,) = server.store.messages
    assert message.envelope.recipients == ("ada@example.org",)
    assert server.store.bodies[0] == (
        b"Received: from client.example.net ([127.0.0.1])\r\n"
        b"\tby mx.example.org with ESMTP id " + message.id.encode() + b"\r\n"
        b"\tfor <ada@example.org>;\r\n"
        b"\tSun, 09 Sep 2001 01:46:40 -0000\r\n"
        b"From: g@example.net\r\n\r\nhi\r\n"
    )
    assert told(server) == ["connected", "accepted", "closed"]
    assert server.notes.entries[0].facts["listener"].startswith("127.0.0.1:")


def test_a_large_message_goes_through_a_file(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=100_000))
    text = "From: g@example.net\n\n" + ("y" * 70 + "\n") * 30_000

    def client(port: int) -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            smtp.sendmail("grace@example.net", ["ada@example.org"], text)

    serve(server, client, loop=loop)
    (message,) = server.store.messages
    assert message.body.path is not None
    assert message.body.size == len(server.store.bodies[0])
    assert server.store.bodies[0].endswith(b"\r\n" + text.replace("\n", "\r\n").encode())
    assert server.store.bodies[0].startswith(b"Received: ")


@pytest.mark.parametrize(
    ("error", "code"), [(StorageError("io"), 451), (StorageFullError("full"), 452)]
)
@pytest.mark.parametrize("threshold", [10, 1_000_000])
def test_what_is_not_stored_is_not_acknowledged(
    tmp_path: Path, error: Exception, code: int, threshold: int
) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=threshold))
    server.store.error = error

    def client(port: int) -> int:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            try:
                smtp.sendmail("g@example.net", ["ada@example.org"], "From: g\n\nhi\n")
            except smtplib.SMTPDataError as refused:
                assert smtp.noop()[0] == 250
                return refused.smtp_code
        return 250

    assert serve(server, client) == code
    assert not list(tmp_path.iterdir())


def test_replies_reach_a_client_that_says_all_and_then_no_more(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)
    said = (
        b"EHLO c.example\r\nMAIL FROM:<g@example.net>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n"
        b"From: g@example.net\r\n\r\nhi\r\n.\r\nNOOP\r\n"
    )

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(said)
            sock.shutdown(socket.SHUT_WR)
            return read_all(sock)

    assert codes(serve(server, client, loop=loop))[-5:] == ["250", "250", "354", "250", "250"]
    assert len(server.store.messages) == 1


def test_the_last_reply_can_be_read_by_one_who_goes_on_talking(tmp_path: Path, loop: str) -> None:
    """A socket that is closed with unread octets resets the connection, and replies get lost."""
    server = Server(tmp_path)

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(b"XYZZY\r\n" * 2000)
            while b"\r\n421 " not in sock.recv(10_000, socket.MSG_PEEK):
                pass
            for _ in range(100):
                sock.sendall(b"XYZZY\r\n")
            return read_all(sock)

    got = codes(serve(server, client, loop=loop))
    assert got == ["220", *["500"] * 20, "421"]


def test_one_who_never_stops_talking_is_cut_off(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            for _ in range(1000):
                sock.sendall(b"GET / HTTP/1.1\r\n" * 1000)

    with pytest.raises((ConnectionResetError, BrokenPipeError)):
        serve(server, client, loop=loop)


def test_one_who_does_not_leave_is_cut_off(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path, replace(RULES, closing_timeout=0.1))

    def client(port: int) -> bool:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(b"GET / HTTP/1.1\r\n")
            got = read_all(sock)
            while server.site.connections:
                time.sleep(0.01)
            return codes(got)[-1] == "421"

    assert serve(server, client, loop=loop)


def test_who_is_silent_is_told_that_the_time_is_up(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path, replace(RULES, command_timeout=1.0))

    def client(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(b"NOOP\r\nEHLO half a com")
            return read_all(sock)

    assert codes(serve(server, client, loop=loop)) == ["220", "250", "421"]


def test_there_is_room_for_so_many_connections(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, max_connections=2))

    def client(port: int) -> list[bytes]:
        socks = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(3)]
        try:
            return [sock.recv(1000)[:10] for sock in socks]
        finally:
            for sock in socks:
                sock.close()

    assert serve(server, client) == [b"220 mx.exa", b"220 mx.exa", b"421 4.3.2 "]


def test_there_is_room_for_so_many_connections_of_one_client(tmp_path: Path) -> None:
    server = Server(tmp_path, replace(RULES, max_connections_per_client=1))

    def client(port: int) -> list[bytes]:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as one,
            socket.create_connection(("127.0.0.1", port), 5) as two,
            socket.create_connection(
                ("127.0.0.1", port), 5, source_address=("127.0.0.2", 0)
            ) as other,
        ):
            return [sock.recv(1000)[:10] for sock in (one, two, other)]

    assert serve(server, client) == [b"220 mx.exa", b"421 4.7.0 ", b"220 mx.exa"]


def test_a_client_of_ours_may_have_as_many_as_it_likes(tmp_path: Path) -> None:
    rules = replace(RULES, max_connections_per_client=1, relay=(ip_network("127.0.0.0/8"),))
    server = Server(tmp_path, rules)

    def client(port: int) -> list[bytes]:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as one,
            socket.create_connection(("127.0.0.1", port), 5) as two,
        ):
            return [sock.recv(1000)[:3] for sock in (one, two)]

    assert serve(server, client) == [b"220", b"220"]


def test_ipv6_is_spoken(tmp_path: Path) -> None:
    server = Server(tmp_path)

    def client(port: int) -> None:
        with smtplib.SMTP("::1", port, "[IPv6:::1]") as smtp:
            smtp.sendmail("grace@example.net", ["ada@example.org"], "From: g@example.net\n\nhi\n")

    serve(server, client, host="::1")
    assert server.store.bodies[0].startswith(b"Received: from [IPv6:::1] ([IPv6:::1])\r\n")


def test_replies_do_not_wait_for_more(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    async def main() -> int:
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0),))
        ((host, port),) = await listener.start()
        reader, writer = await asyncio.open_connection(host, port)
        await reader.readline()
        (session,) = listener.sessions
        assert session._transport is not None
        sock = session._transport.get_extra_info("socket")
        delay = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
        await listener.stop(1)
        return int(delay)

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(main()) == 1


def test_a_message_under_way_may_end_when_the_server_stops(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    async def main() -> tuple[list[str], bytes]:
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0),))
        ((host, port),) = await listener.start()
        idle_reader, idle_writer = await asyncio.open_connection(host, port)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n")
        for _ in range(5):
            await reader.readline()
        stop = asyncio.create_task(listener.stop(5))
        idle = await idle_reader.read()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(host, port)
        assert not stop.done()
        writer.write(b"From: g@example.net\r\n\r\nhi\r\n.\r\n")
        rest = await reader.read()
        writer.close()
        idle_writer.close()
        await stop
        return codes(rest), idle

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        rest, idle = runner.run(main())
    assert rest == ["250", "421"]
    assert codes(idle) == ["220", "421"]
    assert len(server.store.messages) == 1


def test_a_message_that_does_not_end_does_not_hold_up_the_stop(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path, replace(RULES, body_threshold=1))

    async def main() -> bytes:
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0),))
        ((host, port),) = await listener.start()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n")
        for _ in range(5):
            await reader.readline()
        writer.write(b"From: g@example.net\r\n")
        await listener.stop(0.1)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        assert runner.run(main()) == b""
    assert not server.store.messages
    assert not list(tmp_path.iterdir())


def test_what_is_being_put_is_awaited_when_the_server_stops(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    async def main() -> None:
        server.store.gate = gate = asyncio.Event()
        server.store.asked = asked = asyncio.Event()
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0),))
        ((host, port),) = await listener.start()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\n")
        for _ in range(5):
            await reader.readline()
        writer.write(b"From: g@example.net\r\n\r\nhi\r\n.\r\n")
        await asked.wait()
        stop = asyncio.create_task(listener.stop(0))
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        assert not stop.done()
        gate.set()
        await stop
        writer.close()

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
    assert len(server.store.messages) == 1


def test_several_processes_may_share_an_address(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def main() -> None:
        one = Listener(server.site, (Endpoint("127.0.0.1", 0),), share=True)
        ((host, port),) = await one.start()
        two = Listener(server.site, (Endpoint(host, port),), share=True)
        await two.start()
        await one.stop(0)
        await two.stop(0)

    asyncio.run(main())


def test_a_socket_that_is_there_already_is_used(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as sock:
            listener = Listener(server.site, (Endpoint("127.0.0.1", 0, sock=sock),))
            assert await listener.start() == [sock.getsockname()]
            await listener.stop(0)

    asyncio.run(main())


def test_a_port_in_use_says_which_and_nothing_listens(tmp_path: Path) -> None:
    server = Server(tmp_path)

    async def main(port: int) -> None:
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0), Endpoint("127.0.0.1", port)))
        with pytest.raises(ListenError, match=f"127.0.0.1:{port} is in use"):
            await listener.start()
        await listener.stop(0)

    with socket.create_server(("127.0.0.1", 0)) as taken:
        asyncio.run(main(taken.getsockname()[1]))
