"""Reading pages as a browser does, as far as tests need it."""

from __future__ import annotations

from html.parser import HTMLParser

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from ulak.web.application import Piece, application
from ulak.web.reference import piece
from ulak.web.site import Site

BASE = "https://mx.example.org"
_VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})
_BLOCKS = frozenset({"p", "ul", "ol", "dl", "div", "section", "table", "h1", "h2", "h3", "form"})


class Reader(HTMLParser):
    """Takes a page apart, and notes what is wrong with its markup in `faults`."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.title = ""
        self.description = ""
        self.data: list[str] = []
        self.text = ""
        self._open: list[str] = []
        if not text.startswith("<!doctype html>\n<html "):
            self.faults.append("does not begin as a page")
        self.feed(text)
        self.close()
        self.faults += [f"<{tag}> is not closed" for tag in self._open]
        twice = {one for one in self.ids if self.ids.count(one) > 1}
        self.faults += [f"id {one} stands twice" for one in twice]
        self.faults += [f"no id {one}" for one in self.refers if one not in self.ids]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"an attribute of <{tag}> stands twice")
        got = {name: value or "" for name, value in attrs}
        if tag == "a" and "a" in self._open:
            self.faults.append("a link in a link")
        if tag in _BLOCKS and self._open and self._open[-1] in ("p", "h1", "h2", "h3", "a", "span"):
            self.faults.append(f"<{tag}> in <{self._open[-1]}>")
        if "id" in got:
            self.ids.append(got["id"])
        self.refers += [got[name] for name in ("for", "data-copy", "list") if name in got]
        if got.get("href", "").startswith("#"):
            self.refers.append(got["href"][1:])
        if tag in ("a", "link", "form", "script", "img"):
            self.links += [got[name] for name in ("href", "src", "action") if got.get(name)]
        if got.get("name") == "description":
            self.description = got["content"]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> closes {self._open[-1:]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "title":
            self.title += data
        elif self._open and self._open[-1] == "script":
            if data.strip():
                self.data.append(data)
        else:
            self.text += data


def visitor(base: str = BASE, *, tools: bool = False, everything: bool = False) -> TestClient:
    """Give a client of a site that is the reference alone, or has `tools` beside it, or all."""

    def incident(error: BaseException) -> str:
        raise error

    async def tool(_: Request) -> Response:
        return PlainTextResponse("")

    pieces = [piece()]
    if tools:
        pages = [Route("/explain", tool), Route("/check", tool)]
        pieces.append(Piece("tools", pages=pages, sections=("explain", "check")))
    if everything:
        sections = ("explain", "check", "why", "api", "console")
        pages = [Route(f"/{name}", tool) for name in sections]
        pieces.append(Piece("others", pages=pages, sections=sections))
    site = Site("mx.example.org", base)
    return TestClient(application(site, pieces, incident), follow_redirects=False)
