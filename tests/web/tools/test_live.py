"""Events over ASGI: their form, their pulse, and what ends when a visitor leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message
from tests.web.tools.world import World, events, live_of

from ulak.web.tools.live import Stream, event


class Visitor:
    """A browser that may leave. `sent` is what it was told."""

    def __init__(self, method: str, path: str, body: bytes = b"", kind: str = "") -> None:
        path, _, query = path.partition("?")
        self.scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"mx.example.org"), (b"content-type", kind.encode())],
            "client": ("192.0.2.7", 1234),
            "server": ("127.0.0.1", 80),
        }
        self.sent: list[Message] = []
        self.gone = asyncio.Event()
        self.told = asyncio.Event()
        self._body = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive(self) -> Message:
        if self._body:
            return self._body.pop()
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.told.set()

    @property
    def text(self) -> str:
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    def visit(self, app: ASGIApp) -> asyncio.Task[None]:
        return asyncio.create_task(app(self.scope, self.receive, self.send))  # type: ignore[arg-type] # a coroutine


async def until(what: Callable[[], object]) -> None:
    for _ in range(5_000):
        if what():
            return
        await asyncio.sleep(0.002)
    raise TimeoutError


def form(**fields: str) -> tuple[bytes, str]:
    parts = "".join(
        f'--b\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    )
    return f"{parts}--b--\r\n".encode(), "multipart/form-data; boundary=b"


@given(st.text(), st.integers(0, 9))
def test_what_is_told_comes_back_whatever_it_is(data: str, number: int) -> None:
    found = list(events(event("finding", data, number)))
    wanted = data.replace("\r\n", "\n").replace("\r", "\n")
    assert found == [(str(number) if number else "", "finding", wanted)]


def test_who_watches_and_leaves_ends_the_checks() -> None:
    async def run() -> None:
        world = World(gate=asyncio.Event())
        app = world.app()
        page = Visitor("GET", "/check/ip?ip=192.0.2.25&live=1")
        await page.visit(app)
        watcher = Visitor("GET", live_of(page.text))
        visit = watcher.visit(app)
        await until(lambda: len(world.asked) > 10)
        assert world.cancelled == 0
        watcher.gone.set()
        async with asyncio.timeout(60):
            await visit
        await until(lambda: world.cancelled == len(world.asked))
        asked = len(world.asked)
        await asyncio.sleep(0.05)
        assert len(world.asked) == asked

    asyncio.run(run())


@pytest.mark.parametrize("what", ["ip", "reply", "message"])
def test_who_waits_for_a_whole_page_and_leaves_ends_the_checks(what: str) -> None:
    async def run() -> None:
        world = World(gate=asyncio.Event())
        app = world.app()
        match what:
            case "ip":
                visitor = Visitor("GET", "/check/ip?ip=192.0.2.25")
            case "reply":
                reply = "550 5.7.1 [198.51.100.66] blocked using zen.spamhaus.org"
                visitor = Visitor("POST", "/explain/check", *form(reply=reply))
            case _:
                mail = "From: a@well.example\r\nSubject: x\r\n\r\nx"
                visitor = Visitor("POST", "/check/message", *form(text=mail, ip="192.0.2.25"))
        visit = visitor.visit(app)
        await until(lambda: world.asked)
        visitor.gone.set()
        async with asyncio.timeout(60):
            await visit
        await until(lambda: world.cancelled == len(world.asked))
        assert not visitor.text
        assert not world.incidents

    asyncio.run(run())


def test_findings_are_sent_as_they_end_and_not_at_the_end() -> None:
    async def run() -> None:
        world = World(gate=asyncio.Event(), held="_mta-sts")
        app = world.app()
        page = Visitor("GET", "/check/domain?name=well.example&live=1")
        await page.visit(app)
        watcher = Visitor("GET", live_of(page.text))
        visit = watcher.visit(app)
        await until(lambda: "TLS-RPT" in watcher.text and "DMARC" in watcher.text)
        assert "event: result" not in watcher.text
        assert world.gate is not None
        world.gate.set()
        async with asyncio.timeout(60):
            await visit
        told = [name for _, name, _ in events(watcher.text)]
        assert told[-2:] == ["result", "end"]

    asyncio.run(run())


def test_silence_is_broken_now_and_then() -> None:
    async def run() -> None:
        go = asyncio.Event()

        async def quiet() -> AsyncGenerator[str, None]:
            await go.wait()
            yield event("end", "")

        visitor = Visitor("GET", "/")
        stream = Stream(quiet(), pulse=0.01)
        visit = asyncio.create_task(stream(visitor.scope, visitor.receive, visitor.send))
        await until(lambda: visitor.text.count(":") > 3)
        go.set()
        async with asyncio.timeout(60):
            await visit
        assert visitor.text.endswith("event: end\ndata: \n\n")
        assert visitor.sent[-1]["more_body"] is False

    asyncio.run(run())


def test_a_visitor_has_only_so_many_at_once() -> None:
    async def run() -> None:
        world = World(gate=asyncio.Event())
        app = world.app()
        visits = [Visitor("GET", f"/check/ip?ip=192.0.2.{n}") for n in range(4)]
        tasks = [visitor.visit(app) for visitor in visits]
        await until(lambda: any(task.done() for task in tasks))
        statuses = [v.sent[0]["status"] for v in visits if v.sent]
        assert statuses == [429]
        assert "Wait a minute" in next(v.text for v in visits if v.sent)
        for visitor in visits:
            visitor.gone.set()
        async with asyncio.timeout(60):
            await asyncio.gather(*tasks)

    asyncio.run(run())
