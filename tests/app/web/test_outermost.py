"""Who a request is from, and what happens where an error inside is not caught."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_network

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.app.web.site import GET, answer, looped, served

from ulak.app.web.connection import STREAM
from ulak.app.web.outermost import Outermost
from ulak.log import Form, Level, Log
from ulak.web.application import Piece, application
from ulak.web.site import Site

PROXIES = [ip_network("127.0.0.0/30"), ip_network("192.0.2.0/24"), ip_network("2001:db8::/64")]


@pytest.fixture
def log() -> Iterator[Log]:
    quiet = os.open(os.devnull, os.O_WRONLY)
    with Log(quiet, clock=lambda: 0.0, form=Form.JSON, least=Level.ERROR) as made:
        yield made
    os.close(quiet)


class Noted:
    """Gives each error inside an id, as the journal does."""

    def __init__(self) -> None:
        self.errors: list[BaseException] = []

    def __call__(self, error: BaseException) -> str:
        self.errors.append(error)
        return f"incident-{len(self.errors)}"


def around(app: ASGIApp, log: Log, noted: Noted | None = None) -> Outermost:
    return Outermost(app, proxies=PROXIES, incident=noted or Noted(), log=log, clock=lambda: 0.0)


async def who(scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, f"{scope['client'][0]} {scope['scheme']}".encode())


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("", "127.0.0.1 http"),
        ("X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n", "198.51.100.7 https"),
        # Behind two proxies of ours, and with what the client made up before them.
        ("X-Forwarded-For: 203.0.113.9, 198.51.100.7, 192.0.2.1\r\n", "198.51.100.7 http"),
        ("X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.7\r\n", "198.51.100.7 http"),
        ("X-Forwarded-For: 198.51.100.7, nobody\r\n", "127.0.0.1 http"),
        ("X-Forwarded-For: 198.51.100.7, nobody, 192.0.2.1\r\n", "192.0.2.1 http"),
        ("X-Forwarded-For: \r\n", "127.0.0.1 http"),
        ("X-Forwarded-For: 198.51.100.7:4711\r\n", "198.51.100.7 http"),
        ("X-Forwarded-For: [2001:DB8:1::7]:4711\r\n", "2001:db8:1::7 http"),
        ("X-Forwarded-For: 2001:db8:1::7\r\n", "2001:db8:1::7 http"),
        ("X-Forwarded-For: fe80::1%eth0\r\n", "127.0.0.1 http"),
        ("X-Forwarded-Proto: javascript\r\n", "127.0.0.1 http"),
        ("X-Forwarded-For: 192.0.2.1, 192.0.2.2\r\n", "192.0.2.1 http"),
    ],
)
def test_a_proxy_says_who_the_client_is(log: Log, fields: str, found: str) -> None:
    @looped
    async def ask() -> None:
        async with served(around(who, log)) as site:
            client = await site.client()
            await client.send(f"GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n".encode())
            assert await client.until(found.encode())

    ask()


def test_nobody_else_says_who_the_client_is(log: Log) -> None:
    @looped
    async def ask() -> None:
        plain = Outermost(who, proxies=[], incident=Noted(), log=log, clock=lambda: 0.0)
        async with served(plain) as site:
            client = await site.client()
            given = b"X-Forwarded-For: 198.51.100.7\r\nX-Forwarded-Proto: https\r\n"
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n" + given + b"\r\n")
            assert await client.until(b"127.0.0.1 http")

    ask()


def test_an_error_that_nobody_caught_is_an_id_to_who_asked(log: Log) -> None:
    async def failing(_scope: Scope, _receive: Receive, _send: Send) -> None:
        message = "the secret"
        raise RuntimeError(message)

    noted = Noted()

    @looped
    async def ask() -> None:
        async with served(around(failing, log, noted)) as site:
            client = await site.client()
            await client.send(GET)
            head = await client.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 500 ")
            said = await client.until(b"operator of it.\n")
            assert b"incident-1" in said
            assert b"secret" not in said

    ask()
    assert [str(error) for error in noted.errors] == ["the secret"]


def test_an_answer_that_breaks_off_is_seen_to_be_broken(log: Log) -> None:
    async def failing(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"100")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError

    noted = Noted()

    @looped
    async def ask() -> None:
        async with served(around(failing, log, noted)) as site:
            client = await site.client()
            await client.send(GET)
            said = await client.rest()
            assert said.endswith(b"half")
            assert b"incident" not in said

    ask()
    assert len(noted.errors) == 1


async def _all_of_it(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _broken(_: Request) -> Response:
    message = "the secret"
    raise RuntimeError(message)


def test_an_error_of_a_page_is_noted_once_and_who_leaves_early_is_no_error(log: Log) -> None:
    noted = Noted()
    pages = [Route("/broken", _broken), Route("/body", _all_of_it, methods=["POST"])]
    site_app = application(Site(), [Piece("trial", pages=pages)], noted)

    @looped
    async def ask() -> None:
        async with served(around(site_app, log, noted)) as site:
            leaving = await site.client()
            await leaving.send(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx")
            await asyncio.sleep(0.2)
            leaving.writer.transport.abort()
            client = await site.client()
            await client.send(b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await client.until(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 500 ")
            assert b"incident-1" in await client.until(b"</html>")

    ask()
    assert {str(error) for error in noted.errors} == {"the secret"}


def test_at_the_end_a_stream_of_a_page_is_cut_and_cleans_up_after_itself(log: Log) -> None:
    noted = Noted()
    cleaned: list[bool] = []

    async def ticks() -> AsyncIterator[str]:
        try:
            while True:
                yield "data: tick\n\n"
                await asyncio.sleep(60)
        finally:
            cleaned.append(True)

    async def events(_: Request) -> Response:
        return StreamingResponse(ticks(), media_type="text/event-stream")

    pages = [Route("/events", events)]
    site_app = application(Site(), [Piece("trial", pages=pages)], noted)

    @looped
    async def ask() -> None:
        async with served(around(site_app, log, noted), patience=60) as site:
            clients = [await site.client() for _ in range(5)]
            for client in clients:
                await client.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
                await client.until(b"data: tick\n\n")
            site.server.stop()
            for client in clients:
                await client.rest()

    ask()
    assert cleaned == [True] * 5
    assert not noted.errors


def test_a_stream_of_events_is_known_by_its_type(log: Log) -> None:
    seen: list[bool] = []

    async def events(scope: Scope, _receive: Receive, send: Send) -> None:
        kind = scope["path"][1:].encode()
        headers = [(b"content-type", kind), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        seen.append(STREAM in scope["state"])

    @looped
    async def ask() -> None:
        async with served(around(events, log)) as site:
            client = await site.client()
            for kind in (b"text/event-stream;charset=utf-8", b"text/html"):
                await client.send(b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % kind)
                await client.until(b"\r\n\r\n")
            await asyncio.sleep(0)

    ask()
    assert seen == [True, False]
