"""What a client of the web may do, and for how long."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Receive, Scope, Send
from tests.app.web.site import GET, LARGE, QUICK, Site, early, hello, large, looped, served, stream

from ulak.app.web.connection import Connection, Limits


def quick(**more: int) -> Limits:
    return Limits(**QUICK, **more)  # type: ignore[arg-type]  # fields by their names


async def emptied(site: Site) -> None:
    """Wait until the server has no connection left."""
    await gone(site, 0)


async def gone(site: Site, left: int, seconds: float = 30) -> None:
    """Wait until the server has only so many connections left."""
    connections = site.server.server_state.connections
    end = asyncio.get_running_loop().time() + seconds
    while len(connections) > left:
        assert asyncio.get_running_loop().time() < end, "a connection is kept"
        await asyncio.sleep(0.02)


@looped
async def test_requests_are_answered_one_after_the_other_on_one_connection() -> None:
    async with served(hello) as site:
        client = await site.client()
        for _ in range(3):
            await client.send(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            head = await client.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nserver:" not in head.lower()
            assert b"\r\ndate: " in head
            assert await client.until(b"/x 3")


@looped
async def test_a_head_that_comes_octet_by_octet_is_waited_for_only_so_long() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        said = await client.trickle(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 1000)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"connection: close" in said


@looped
async def test_a_head_that_is_slow_and_in_time_is_answered() -> None:
    async with served(hello, Limits(head=20)) as site:
        client = await site.client()
        said = asyncio.ensure_future(client.until(b"/ 0"))
        for octet in GET:
            await client.send(bytes([octet]))
            await asyncio.sleep(0.005)
        assert (await said).startswith(b"HTTP/1.1 200 ")


@looped
async def test_who_says_nothing_is_left_without_a_word() -> None:
    async with served(hello, quick()) as site:
        assert await (await site.client()).rest() == b""


@looped
async def test_blank_lines_do_not_keep_a_connection() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        await client.send(GET)
        await client.until(b"/ 0")
        await client.trickle(b"\r\n" * 500)
        await emptied(site)


@looped
async def test_a_second_head_has_no_more_time_than_the_first() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        await client.send(GET)
        await client.until(b"/ 0")
        said = await client.trickle(b"GET / HTTP/1.1\r\nX: " + b"x" * 1000)
        assert said.startswith(b"HTTP/1.1 408 ")


@looped
async def test_a_body_that_never_ends_is_given_up() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        said = await client.trickle(b"x" * 1000)
        assert said.startswith(b"HTTP/1.1 408 ")
        await emptied(site)


@looped
async def test_a_body_that_comes_steadily_may_take_long() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n")
        for _ in range(100):
            await client.send(b"x" * 100)
            await asyncio.sleep(0.02)
        assert (await client.until(b"/ 10000")).startswith(b"HTTP/1.1 200 ")


@looped
async def test_a_body_of_chunks_is_held_to_the_same() -> None:
    async with served(hello, quick()) as site:
        client = await site.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert (await client.trickle(b"1\r\nx\r\n" * 300)).startswith(b"HTTP/1.1 408 ")


@looped
async def test_the_rest_of_a_body_that_nobody_wants_is_not_waited_for() -> None:
    async with served(early, quick()) as site:
        client = await site.client()
        await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\nx")
        said = asyncio.ensure_future(client.rest())
        while not said.done():
            await client.send(b"x" * 10_000)
            await asyncio.sleep(0.01)
        assert (await said).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000,
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 20_000,
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 4000,
    ],
    ids=["endless-field", "large-field", "endless-path", "large-path", "many", "endless"],
)
@looped
async def test_a_head_has_its_measure(head: bytes) -> None:
    async with served(hello) as site:
        client = await site.client()
        await client.send(head)
        assert (await client.rest()).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "octets",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"EHLO mx.example.org\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: a\r\n\r\n",
        "GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"),
        # Two lengths: who stands in front could take the other one (RFC 9112 §6.3).
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, x\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    ],
)
@looped
async def test_what_is_no_request_is_told_so(octets: bytes) -> None:
    async with served(hello) as site:
        client = await site.client()
        await client.send(octets)
        assert (await client.rest()).startswith(b"HTTP/1.1 400 ")


@looped
async def test_an_upgrade_that_is_not_done_is_a_plain_request() -> None:
    async with served(hello) as site:
        client = await site.client()
        asked = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        await client.send(asked)
        assert (await client.until(b"/ 0")).startswith(b"HTTP/1.1 200 ")


@looped
async def test_requests_that_came_at_once_are_answered_in_order() -> None:
    async with served(hello) as site:
        client = await site.client()
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(20)))
        for number in range(20):
            assert (await client.until(b"/%d 0" % number)).lstrip().startswith(b"HTTP/1.1 200 ")


@looped
async def test_a_flood_of_requests_at_once_is_bounded() -> None:
    async with served(hello) as site:
        client = await site.client()
        await client.send(GET * 10_000)
        said = await client.rest()
        assert said.count(b"HTTP/1.1 200 ") <= 100
        await emptied(site)


@looped
async def test_who_does_not_read_is_let_go() -> None:
    async with served(large, quick()) as site:
        client = await site.client()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        await client.send(GET)
        await asyncio.sleep(0.3)
        await emptied(site)


@looped
async def test_who_reads_a_large_answer_gets_all_of_it() -> None:
    async with served(large) as site:
        client = await site.client()
        await client.send(GET.replace(b"Host", b"Connection: close\r\nHost"))
        assert len(await client.rest()) > LARGE


@pytest.mark.parametrize(("more", "limit"), [(b"", 30), (b"Connection: close\r\n", 5)])
@looped
async def test_who_reads_slowly_has_time_and_who_reads_next_to_nothing_has_none(
    more: bytes, limit: int
) -> None:
    async with served(large, every=3600) as site:
        client = await site.client()
        await client.send(GET.replace(b"Host", more + b"Host"))
        await client.until(b"\r\n\r\n")
        (connection,) = site.server.server_state.connections
        assert isinstance(connection, Connection)
        transport, now = connection.transport, asyncio.get_running_loop().time()
        for _ in range(4):
            connection.look(now)
            left = transport.get_write_buffer_size()
            while left - transport.get_write_buffer_size() < 5_000:
                assert await client.reader.read(65_536)
            now += limit - 1
        connection.look(now)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a read transport
        left = -1
        while left != transport.get_write_buffer_size():  # what the system has room for
            left = transport.get_write_buffer_size()
            await asyncio.sleep(0.1)
        connection.look(now)
        connection.look(now + limit - 0.1)
        assert len(site.server.server_state.connections) == 1
        connection.look(now + limit + 0.1)
        await emptied(site)


@looped
async def test_connections_are_counted_by_client_and_in_all() -> None:
    for limits in (Limits(per_client=2), Limits(connections=2)):
        async with served(hello, limits) as site:
            clients = [await site.client() for _ in range(3)]
            assert (await clients[2].rest()).startswith(b"HTTP/1.1 503 ")
            await clients[0].send(GET)
            assert (await clients[0].until(b"/ 0")).startswith(b"HTTP/1.1 200 ")
            clients[1].close()
            await gone(site, 1)
            again = await site.client()
            await again.send(GET)
            assert (await again.until(b"/ 0")).startswith(b"HTTP/1.1 200 ")
        assert not limits.clients


@looped
async def test_a_proxy_may_have_the_connections_of_many() -> None:
    limits = Limits(per_client=1, boundless=lambda host: host == "127.0.0.1")
    async with served(hello, limits) as site:
        for _ in range(3):
            client = await site.client()
            await client.send(GET)
            assert (await client.until(b"/ 0")).startswith(b"HTTP/1.1 200 ")


@looped
async def test_at_the_end_a_request_under_way_is_answered_and_a_stream_is_cut() -> None:
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/events":
            await stream(scope, receive, send)
            return
        begun.set()
        await go.wait()
        await hello(scope, receive, send)

    async with served(slow) as site:
        events = await site.client()
        await events.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        await events.until(b"data: 1\n\n")
        idle, asking = await site.client(), await site.client()
        await asking.send(GET)
        await begun.wait()
        site.server.stop()
        await events.rest()
        assert await idle.rest() == b""
        go.set()
        assert b"200 OK" in await asking.rest()


@looped
async def test_what_does_not_end_by_itself_is_ended() -> None:
    async def never(_scope: Scope, _receive: Receive, _send: Send) -> None:
        await asyncio.Event().wait()

    async with served(never, patience=0.3) as site:
        client = await site.client()
        await client.send(GET)
        await asyncio.sleep(0.1)
