"""By which names a site is asked for, what is not taken in clear, and how much in all."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Scope

from ulak.web.application import Piece, application
from ulak.web.site import Site


async def _said(_: Request) -> Response:
    return PlainTextResponse("for whom it may concern")


PIECE = Piece("trial", pages=[Route("/open", _said)])


def scope_of(path: str, method: str, scheme: str, *, client: str = "", server: str = "") -> Scope:
    return {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": scheme,
        "http_version": "1.1",
        "client": (client, 4711) if client else None,
        "server": (server, 80),
        "headers": [],
        "state": {},
    }


def asked(
    *,
    client: str = "127.0.0.1",
    scheme: str = "http",
    server: str = "192.0.2.1",
    host: str = "mx.example.org",
    **fields: str,
) -> int:
    """Give the status of the answer to a request."""
    site = Site("mx.example.org", "", frozenset({"mx.example.org"}))
    app = application(site, [PIECE], lambda _: "INC1")
    headers = {"host": host, **{name.replace("_", "-"): value for name, value in fields.items()}}
    scope = scope_of("/open", "GET", scheme, client=client, server=server)
    scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
    seen: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        seen.append(message)

    async def ask() -> None:
        await app(scope, receive, send)

    asyncio.run(ask())
    if seen[0]["status"] == 426:
        assert (b"upgrade", b"TLS/1.2, HTTP/1.1") in seen[0]["headers"]
    return int(seen[0]["status"])


TOKEN = {"authorization": "Bearer x"}


def test_a_token_is_not_taken_in_clear_over_a_network() -> None:
    for client in ("192.0.2.7", "2001:db8::7"):
        assert asked(client=client, **TOKEN) == 426
        assert asked(client=client, scheme="https", **TOKEN) == 200
        assert asked(client=client) == 200
    for client in ("127.0.0.1", "127.9.9.9", "::1", ""):
        assert asked(client=client, **TOKEN) == 200


@pytest.mark.parametrize("field", ["x_forwarded_for", "forwarded", "via"])
def test_who_speaks_for_somebody_else_is_not_taken_for_this_machine(field: str) -> None:
    assert asked(**TOKEN, **{field: "192.0.2.7"}) == 426
    assert asked(**TOKEN, **{field: "192.0.2.7"}, scheme="https") == 200
    assert asked(**{field: "192.0.2.7"}) == 200


def test_a_site_is_asked_for_by_its_name_or_by_the_address_that_was_come_to() -> None:
    for host in ("mx.example.org", "MX.example.org:8025", "192.0.2.1", "192.0.2.1:80"):
        assert asked(host=host) == 200, host
    assert asked(host="[2001:db8::1]:80", server="2001:db8::1") == 200
    for host in (
        "192.0.2.2",
        "127.0.0.1",
        "evil.example",
        "",
        "[2001:db8::1]",
        "192.0.2.1.evil.example",
    ):
        assert asked(host=host) == 421, host
    assert asked(host="", server="") == 421


class Meeting:
    """A page that answers nobody before it has everybody's body, or has sent them away."""

    def __init__(self, everybody: int) -> None:
        self.missing = everybody
        self.there = asyncio.Event()

    def one_more(self) -> None:
        self.missing -= 1
        if not self.missing:
            self.there.set()

    async def read(self, request: Request) -> Response:
        await request.body()
        self.one_more()
        await self.there.wait()
        return PlainTextResponse("read")


def test_all_bodies_together_have_their_measure() -> None:
    size = 10 * 1024 * 1024
    meeting: list[Meeting] = []

    async def read(request: Request) -> Response:
        return await meeting[0].read(request)

    piece = Piece("trial", bare=[Route("/in", read, methods=["POST"])], bodies={"/in": size})
    app = application(Site(), [piece], lambda _: "INC1")

    async def post() -> int:
        parts = [bytes(size // 4)] * 4
        said: list[int] = []

        async def receive() -> Message:
            await asyncio.sleep(0)
            body = parts.pop() if parts else b""
            return {"type": "http.request", "body": body, "more_body": bool(parts)}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                said.append(message["status"])
                if message["status"] != 200:
                    meeting[0].one_more()

        await app(scope_of("/in", "POST", "https"), receive, send)
        return said[0]

    async def together(everybody: int) -> list[int]:
        meeting[:] = [Meeting(everybody)]
        return await asyncio.gather(*(post() for _ in range(everybody)))

    first = asyncio.run(together(20))
    assert set(first) == {200, 503}
    assert first.count(200) <= 6  # of 10 MiB each, in 64 MiB
    assert asyncio.run(together(1)) == [200]  # and afterwards there is room again
    assert asyncio.run(together(6)) == [200] * 6
