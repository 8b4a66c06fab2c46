"""What is for an operator's eyes is not said in clear, and a site is asked for by its names."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Scope

from ulak.language import LANGUAGES
from ulak.web.application import Piece, application
from ulak.web.site import Site


async def _said(_: Request) -> Response:
    return PlainTextResponse("for whom it may concern")


PIECE = Piece(
    "trial",
    pages=[Route(path, _said) for path in ("/desk", "/desk/queue", "/desktop", "/open")],
    private=("/desk",),
)


def asked(
    path: str = "/open",
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
    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": scheme,
        "http_version": "1.1",
        "client": (client, 4711) if client else None,
        "server": (server, 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "state": {},
    }
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


PATHS = ["/desk", "/desk/queue"]


@pytest.mark.parametrize("path", PATHS + [f"/{lang}/desk" for lang in LANGUAGES if lang != "en"])
def test_what_is_private_is_not_said_in_clear_over_a_network(path: str) -> None:
    assert asked(path, client="192.0.2.7") == 426
    assert asked(path, client="2001:db8::7") == 426
    assert asked(path, client="192.0.2.7", scheme="https") == 200
    assert asked(path, client="127.0.0.1") == 200
    assert asked(path, client="::1") == 200
    assert asked(path, client="") == 200


@pytest.mark.parametrize("field", ["x_forwarded_for", "forwarded", "via"])
def test_who_speaks_for_somebody_else_is_not_taken_for_this_machine(field: str) -> None:
    assert asked("/desk", **{field: "192.0.2.7"}) == 426
    assert asked("/open", **{field: "192.0.2.7"}) == 200


def test_what_is_public_is_said_to_everybody() -> None:
    for path in ("/open", "/desktop"):
        assert asked(path, client="192.0.2.7") == 200


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
