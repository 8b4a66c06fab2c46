"""The reference as a static site: files that any file server shows under the same addresses.

A page is `codes/252/index.html`, so that `/codes/252` leads to it on every server there is. Links
are relative, so that it may lie in a folder of a larger site. Without a server a small script of
our own searches in a list of all pages; without scripts the lists lead everywhere.

Of the pairs those are written that `pairs.listed` names: all basic codes with each other, the
classes of each enhanced code, those with sentences of their own, and what is near. The others,
some eighty thousand in each language, need the server.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Scope

from ulak.replies.enhanced import ENHANCED
from ulak.web.addresses import localized
from ulak.web.application import application
from ulak.web.asset import assets
from ulak.web.reference import keys, pairs, sitemap
from ulak.web.reference.finding import Entry, entries
from ulak.web.reference.folding import words
from ulak.web.reference.routes import piece
from ulak.web.site import Site

_FOUND, _MISSING = 200, 404
_LINK = re.compile(r'((?:href|src|action|data-root)=")(/[^"#?]*)([^"]*")')
_INDEX = "search/index.json"
_TELLING = 3.0  # weight of a word by which the static site finds a page
Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: how many pages, files in all, and octets; whether with a sitemap."""

    pages: int
    files: int
    octets: int
    sitemap: bool


def export(folder: Path, site: Site, tell: Tell | None = None) -> Written:
    """Write the site into a folder, which is made where it is not there yet.

    `tell` is told how many pages are written, of how many. A sitemap and canonical addresses need
    `site.base`. What lies in the folder already stays, unless a page has its name. Raises OSError.
    """

    def incident(error: BaseException) -> str:
        raise error

    site = replace(site, still=True)
    app = application(site, [piece()], incident)
    return asyncio.run(_Export(folder, site, app, tell or (lambda _done, _all: None)).write())


class _Export:
    def __init__(self, folder: Path, site: Site, app: ASGIApp, tell: Tell) -> None:
        self._folder, self._site, self._app, self._tell = folder, site, app, tell
        self._paths = frozenset(
            localized(path, language)
            for path in (*sitemap.paths(), "/search")
            for language in site.languages
        )
        self._files = 0
        self._octets = 0

    async def write(self) -> Written:
        every = sorted(self._paths)
        for number, path in enumerate(every, 1):
            self._put(_file_of(path), self._led(await self._page(path, _FOUND), path))
            self._tell(number, len(every))
        for language in self._site.languages:
            for path, target in _moved():
                here, there = localized(path, language), localized(target, language)
                way = self._way(PurePosixPath(here), there)
                canonical = f"{self._site.base}{there}/" if self._site.base else ""
                self._put(_file_of(here), _leads_on(way, canonical))
            listing = json.dumps(_listing(language), ensure_ascii=False, separators=(",", ":"))
            self._put(f"{localized('/', language)}{_INDEX}", listing)
            missing = await self._page(localized("/nowhere", language), _MISSING)
            self._put(f"{localized('/', language)}404.html", self._rooted(missing))
        for asset in assets().values():
            self._put(asset.path, asset.data)
        self._put("/robots.txt", sitemap.robots(self._site))
        if self._site.base:
            for name in ("/sitemap.xml", *sitemap.names()):
                self._put(name, self._slashed(sitemap.file(self._site, name) or ""))
        return Written(len(every), self._files, self._octets, bool(self._site.base))

    def _put(self, path: str, content: str | bytes) -> None:
        file = self._folder / path.lstrip("/")
        octets = content.encode() if isinstance(content, str) else content
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(octets)
        self._files += 1
        self._octets += len(octets)

    async def _page(self, path: str, status: int) -> str:
        got, body = await _asked(self._app, path)
        if got != status:
            message = f"{path} was answered with {got}"
            raise RuntimeError(message)
        return body.decode()

    def _led(self, page: str, here: str) -> str:
        """Make the links of a page relative, and its own addresses those of folders."""
        start = PurePosixPath(here)

        def relative(found: re.Match[str]) -> str:
            return f"{found[1]}{self._way(start, found[2])}{found[3]}"

        return _LINK.sub(relative, self._slashed(page))

    def _way(self, start: PurePosixPath, target: str) -> str:
        """Give the way from the folder of a page to another page, or to a file."""
        ups = "../" * (len(start.parts) - 1)
        folder = "/" if target in self._paths and not target.endswith("/") else ""
        return f"{ups}{target.lstrip('/')}{folder}" or "./"

    def _slashed(self, text: str) -> str:
        """Let every whole address of a page end as that of a folder does."""
        if not self._site.base:
            return text
        whole = re.compile(re.escape(self._site.base) + r'(/[^"<>?#\s]*)')

        def slashed(found: re.Match[str]) -> str:
            end = "/" if found[1] in self._paths and not found[1].endswith("/") else ""
            return f"{found[0]}{end}"

        return whole.sub(slashed, text)

    def _rooted(self, page: str) -> str:
        """Make the links of a page that is shown at any address begin at the root of the site."""
        root = urlsplit(self._site.base).path

        def rooted(found: re.Match[str]) -> str:
            folder = "/" if found[2] in self._paths and not found[2].endswith("/") else ""
            return f"{found[1]}{root}{found[2]}{folder}{found[3]}"

        return _LINK.sub(rooted, page)


def _file_of(path: str) -> str:
    return f"{path.rstrip('/')}/index.html"


def _moved() -> Iterator[tuple[str, str]]:
    """Name the addresses that lead to another page, each with where it leads."""
    for detail in ENHANCED:
        yield f"/codes/X.{detail}", keys.place(keys.meant(f"X.{detail}"))
    for one, other in keys.shared():
        yield f"/codes/{one}", keys.place(other)
    for a, b in keys.written_pairs():
        yield f"/compare/{b}-vs-{a}", keys.pair_place(a, b)


def _leads_on(way: str, canonical: str) -> str:
    """Write a page that leads on by itself, which needs no server that knows of it."""
    named = f'<link rel="canonical" href="{escape(canonical)}">\n' if canonical else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(way)}</title>\n"
        f'<meta name="robots" content="noindex">\n{named}'
        f'<meta http-equiv="refresh" content="0; url={escape(way)}">\n</head>\n'
        f'<body><p><a href="{escape(way)}">{escape(way)}</a></p></body>\n</html>\n'
    )


def _listing(language: str) -> dict[str, object]:
    """Give what the script of the static site knows: each page with its words, and the pairs.

    Pairs of two basic codes are all there, and not named.
    """
    basic = frozenset(keys.basic())
    return {
        "pages": [_row(entry) for entry in entries(language)],
        "pairs": [f"{a}-vs-{b}" for a, b in sorted(pairs.listed()) if not {a, b} <= basic],
    }


def _row(entry: Entry) -> dict[str, object]:
    title = words(entry.title)
    rest = [word for text, weight in entry.texts[1:] if weight >= _TELLING for word in words(text)]
    return {
        "keys": entry.keys,
        "title": entry.title,
        "means": entry.means,
        "words": " ".join(dict.fromkeys(title)),
        "more": " ".join(word for word in dict.fromkeys(rest) if word not in title),
    }


async def _asked(app: ASGIApp, path: str) -> tuple[int, bytes]:
    """Ask an application for a page, as a server would."""
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "server": ("localhost", 80),
        "client": ("127.0.0.1", 1),
    }
    parts: list[bytes] = []
    status = 0

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        status = message.get("status", status)
        parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return status, b"".join(parts)
