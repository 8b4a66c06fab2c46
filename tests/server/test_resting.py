"""A listener that rests: nobody new gets in, who is there may end, and later it goes on."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ulak.server.listener import Endpoint, Listener

from .dialogue import Server
from .running import LOOPS

LETTER = b"From: g@example.net\r\n\r\nhi\r\n.\r\n"
BEGUN = b"HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<ada@example.org>\r\n"


def _held() -> socket.socket:
    """Give a listening socket as the supervisor makes it: its port was asked for by number."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = probe.getsockname()
    held = socket.create_server(address)
    held.settimeout(0)
    return held


def codes(replies: bytes) -> list[str]:
    return [line[:3].decode() for line in replies.split(b"\r\n") if line]


@pytest.fixture(params=list(LOOPS))
def loop(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _run(server: Server, loop: str, main: Callable[[Listener, str, int], Awaitable[None]]) -> None:
    """Run a listener on a socket that somebody else holds, too, as the supervisor does."""

    async def whole() -> None:
        listener = Listener(server.site, (Endpoint("127.0.0.1", 0, sock=held.dup()),))
        ((host, port),) = await listener.start()
        try:
            await main(listener, host, port)
        finally:
            await listener.stop(1)

    held = _held()
    with held, asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(whole())


async def _refused(host: str, port: int) -> None:
    with pytest.raises(OSError, match=r"refused|Connect call failed"):
        await asyncio.open_connection(host, port)


async def _greeted(host: str, port: int) -> bytes:
    reader, writer = await asyncio.open_connection(host, port)
    greeting = await reader.readline()
    writer.close()
    return greeting[:3]


def test_while_it_rests_the_system_refuses_and_afterwards_clients_are_greeted(
    tmp_path: Path, loop: str
) -> None:
    async def main(listener: Listener, host: str, port: int) -> None:
        for _ in range(2):
            assert await _greeted(host, port) == b"220"
            listener.rest()
            await _refused(host, port)
            listener.rest()  # again does no harm
            await _refused(host, port)
            await listener.resume()
        assert await _greeted(host, port) == b"220"

    _run(Server(tmp_path), loop, main)


def test_one_that_begins_resting_refuses_until_it_is_resumed(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    async def main() -> None:
        # The worker before it has shut the socket already, or the supervisor has just opened it.
        for shut in (True, False):
            with _held() as held:
                if shut:
                    held.shutdown(socket.SHUT_RDWR)
                listener = Listener(server.site, (Endpoint("", 0, sock=held.dup()),))
                ((host, port),) = await listener.start(resting=True)
                await _refused(host, port)
                await listener.resume()
                assert await _greeted(host, port) == b"220"
                await listener.stop(1)
                server.site.closing = False

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


def test_a_transaction_may_end_and_who_has_none_is_told_421(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)

    async def main(listener: Listener, host: str, port: int) -> None:
        idle_reader, idle_writer = await asyncio.open_connection(host, port)
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(BEGUN)
        for _ in range(4):
            await reader.readline()
        listener.rest()
        listener.part(gently=True)
        assert codes(await idle_reader.read()) == ["220", "421"]
        listener.part(gently=True)
        writer.write(b"DATA\r\n")
        assert (await reader.readline())[:3] == b"354"
        listener.part(gently=False)  # not even then in the middle of a message
        writer.write(LETTER)
        assert (await reader.readline())[:3] == b"250"
        listener.part(gently=True)
        assert codes(await reader.read()) == ["421"]
        writer.close()
        idle_writer.close()

    _run(server, loop, main)
    assert len(server.store.messages) == 1


def test_who_has_begun_and_does_not_go_on_is_told_421_in_the_end(tmp_path: Path, loop: str) -> None:
    async def main(listener: Listener, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(BEGUN)
        for _ in range(4):
            await reader.readline()
        listener.rest()
        listener.part(gently=False)
        assert codes(await reader.read()) == ["421"]
        writer.close()

    _run(Server(tmp_path), loop, main)


async def _said(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(path))
    greeting = await reader.readline()
    writer.close()
    return greeting[:3]


def test_a_unix_socket_says_421_while_it_rests(tmp_path: Path, loop: str) -> None:
    server = Server(tmp_path)
    path = tmp_path / "lmtp.sock"

    async def main() -> None:
        with socket.socket(socket.AF_UNIX) as held:
            held.bind(str(path))
            held.listen()
            held.settimeout(0)
            listener = Listener(server.site, (Endpoint("", 0, sock=held.dup()),))
            await listener.start()
            said = [await _said(path)]
            listener.rest()
            said.append(await _said(path))
            await listener.resume()
            said.append(await _said(path))
            await listener.stop(1)
        assert said == [b"220", b"421", b"220"]

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())
