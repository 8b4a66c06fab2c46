"""Pages that are the same for everybody: made once in each language, and kept as they are sent.

What is kept is compressed, a quarter of the page; who takes no gzip gets it unpacked. The room is
bounded, and the page that nobody has asked for the longest makes way.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ulak.web.asset import takes_gzip

_MOST = 24 * 1024 * 1024  # octets
_LEVEL = 6
_FOUND = 200
_SECONDS = 600

Maker = Callable[[Request], Awaitable[Response]]
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its octets as gzip has them, and the headers with which each form is sent."""

    packed: bytes
    tag: bytes
    headers: Headers
    headers_packed: Headers
    headers_same: Headers


class Shelf:
    """Keeps pages, so many octets of them."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._pages: OrderedDict[Hashable, Page] = OrderedDict()
        self.octets = 0

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, key: Hashable) -> Page | None:
        """Give a page that is kept."""
        found = self._pages.get(key)
        if found is not None:
            self._pages.move_to_end(key)
        return found

    def put(self, key: Hashable, page: Page) -> None:
        """Keep a page; the longest unused make way."""
        if (before := self._pages.pop(key, None)) is not None:
            self.octets -= len(before.packed)
        self._pages[key] = page
        self.octets += len(page.packed)
        while self.octets > self._most and len(self._pages) > 1:
            _, gone = self._pages.popitem(last=False)
            self.octets -= len(gone.packed)


class Kept:
    """Answers with a page from the shelf, made by `maker` where it is not there yet (ASGI)."""

    def __init__(self, shelf: Shelf, maker: Maker) -> None:
        self._shelf = shelf
        self._maker = maker

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. What is no page (a redirection, a 404) is not kept."""
        key = (scope["ulak.site"], scope["ulak.language"], scope["ulak.path"])
        page = self._shelf.get(key)
        if page is None:
            response = await self._maker(Request(scope, receive))
            if response.status_code != _FOUND:
                await response(scope, receive, send)
                return
            page = packed(response)
            self._shelf.put(key, page)
        packs, same = _asked(scope["headers"], page.tag)
        status, body = _FOUND, b""
        headers = page.headers_packed if packs else page.headers
        if same:
            status, headers = 304, page.headers_same
        elif scope["method"] != "HEAD":
            body = page.packed if packs else gzip.decompress(page.packed)
        start = {"type": "http.response.start", "status": status, "headers": list(headers)}
        await send(start)
        await send({"type": "http.response.body", "body": body})


def packed(response: Response) -> Page:
    """Make of a response what is kept of it."""
    whole = bytes(response.body)
    octets = gzip.compress(whole, _LEVEL, mtime=0)
    tag = b'W/"%s"' % hashlib.sha256(whole).hexdigest()[:20].encode("ascii")
    same: Headers = (
        (b"etag", tag),
        (b"cache-control", b"public, max-age=%d" % _SECONDS),
        (b"vary", b"accept-encoding"),
    )
    own = tuple((name, value) for name, value in response.raw_headers if name != b"content-length")
    plain = (*own, *same, (b"content-length", b"%d" % len(whole)))
    small = (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(octets))
    return Page(octets, tag, plain, (*own, *same, *small), same)


def _asked(headers: list[tuple[bytes, bytes]], tag: bytes) -> tuple[bool, bool]:
    """Say whether gzip is taken (RFC 9110 §12.5.3), and the page is there already (§13.1.2)."""
    packs = same = False
    for name, value in headers:
        if name == b"accept-encoding":
            packs = takes_gzip(value.decode("latin-1"))
        elif name == b"if-none-match":
            same = value.strip() == b"*" or tag[2:] in (
                one.strip().removeprefix(b"W/") for one in value.split(b",")
            )
    return packs, same
