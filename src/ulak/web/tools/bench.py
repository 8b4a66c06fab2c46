"""What both tools share: the world, checks under way, kept bounces, and limits of visitors."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from math import ceil
from typing import Any, TypeVar

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ulak.diagnose.reply import Confirmation
from ulak.web.full import CHECKS, FullError
from ulak.web.page import language_of, part, render
from ulak.web.rate import Rate, client_of
from ulak.web.tools.live import Stream, attended, event
from ulak.web.tools.pictures import pictures_of
from ulak.web.tools.ports import Ports
from ulak.web.tools.reading import LARGEST
from ulak.web.tools.runs import BusyError, Make, Run, Runs
from ulak.web.tools.shelf import Shelf
from ulak.web.tools.shown import brief, shown
from ulak.web.words import say

T = TypeVar("T")

LIVE = "/check/live"
SCRIPTS = ("vendor/htmx.js", "vendor/sse.js", "live.js")
_FIELDS = 40  # of a form
_LONGEST_FIELD = 2_000_000  # octets: a bounce that is pasted
_OCTETS_OF_A_REPLY = 1_000_000  # reading a mail of 10 MB is worth eleven replies
_SOON = 20  # seconds, after which a place may be free
_AT_ONCE = 2  # threads that read what visitors send


class Bench:
    """One for all visitors. Rates are by visitor and minute; reading costs less than checking."""

    def __init__(self, ports: Ports, runs: Runs | None = None) -> None:
        self.ports = ports
        self.runs = runs or Runs(ports.clock, ports.new_id, ports.incident)
        self.shelf = Shelf(ports.clock, ports.new_id)
        self._reading = Rate(30, 60.0, ports.clock)
        self._checking = Rate(12, 60.0, ports.clock)
        self._all = Rate(120, 60.0, ports.clock)
        self._threads = asyncio.Semaphore(_AT_ONCE)

    def may_read(self, request: Request, octets: int) -> None:
        """Let a visitor have so much read. HTTPException 429 where that was too much."""
        self._reading.count(request, 1 + octets / _OCTETS_OF_A_REPLY)

    @asynccontextmanager
    async def form(self, request: Request) -> AsyncGenerator[FormData, None]:
        """Read what a form sent, of which the guard has bounded the whole."""
        form = request.form(max_files=1, max_fields=_FIELDS, max_part_size=_LONGEST_FIELD)
        async with form as fields:
            yield fields

    async def apart(self, work: Callable[[], T]) -> T:
        """Do work in a thread, so that others are served in the meantime."""
        async with self._threads:
            return await asyncio.to_thread(work)

    def enter(self, request: Request, what: tuple[object, ...], make: Make, octets: int = 0) -> Run:
        """Give the run that answers `what`.

        HTTPException 429 where this visitor has asked for too many, FullError where all have.
        """
        key = hashlib.sha256(repr(what).encode("utf-8", "replace")).hexdigest()
        run = self.runs.known(key)
        if run is None:
            self._checking.count(request)
            if wait := self._all.wait(""):
                raise FullError(CHECKS, ceil(wait))
            run = self.runs.enter(key, client_of(request), make, octets=octets)
        return run

    async def followed(
        self, request: Request, run: Run, template: str, *, live: bool, title: str,
        **context: Any,  # noqa: ANN401 -- what a template needs is the template's business
    ) -> Response:  # fmt: skip
        """Answer with a page about a run: at once where it is told live, else when it has ended."""
        language = language_of(request)
        if not live or run.done:
            try:
                await attended(request, self.runs.finished(run))
            except BusyError as busy:
                raise _too_much(busy) from busy
        context |= {
            "live": "" if run.done else f"{LIVE}/{run.id}",
            "made": _result(run, language),
            "problem": problem_of(run, language),
        }
        scripts = SCRIPTS if not run.done else SCRIPTS[2:]
        headers = {"cache-control": "no-store"}
        return render(
            request,
            template,
            title=title,
            index=False,
            alternates=False,
            scripts=scripts,
            headers=headers,
            **context,
        )

    async def live(self, request: Request) -> Response:
        """Tell what happens in a run while it happens."""
        language = language_of(request)
        run = self.runs.find(request.path_params["id"])
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 6 else 0  # noqa: PLR2004 -- digits
        return Stream(_events(self.runs, run, language, after))  # type: ignore[return-value] # it is an ASGI application


async def _events(
    runs: Runs, run: Run | None, language: str, after: int
) -> AsyncGenerator[str, None]:
    if run is None:
        gone = say(language, "tools.run.gone")
        yield event("result", part(language, "tools/problem.html", problem=gone))
        yield event("end", "")
        return
    problem = ""
    try:
        async with aclosing(runs.watch(run, after)) as watching:
            yield event("progress", _progress(run, language, after))
            async for number, seen in watching:
                if seen is not None:
                    made = part(language, "tools/row.html", row=brief(seen, language))
                    yield event("finding", made, number)
                yield event("progress", _progress(run, language, number))
    except BusyError as busy:
        problem = say(language, f"tools.run.{'yours' if busy.theirs else 'busy'}")
    problem = problem or problem_of(run, language)
    if problem:
        yield event("result", part(language, "tools/problem.html", problem=problem))
    else:
        yield event("result", part(language, "tools/made.html", made=_result(run, language)))
    yield event("end", "")


def problem_of(run: Run, language: str) -> str:
    """Say why nothing came of a run, or ""."""
    if not run.problem:
        return ""
    return say(language, f"tools.run.{run.problem}", id=run.incident)


def text_of(form: FormData, name: str) -> str:
    """Give a field of a form."""
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


async def file_of(form: FormData, name: str) -> tuple[bytes, str]:
    """Give the octets of an uploaded file and its name; nothing where none was chosen."""
    value = form.get(name)
    if not isinstance(value, UploadFile):
        return b"", ""
    return await value.read(LARGEST), (value.filename or "")[:200]


def _progress(run: Run, language: str, count: int) -> str:
    if not run.begun:
        return say(language, "tools.run.waiting")
    return say(language, "tools.run.progress", count=count)


def _result(run: Run, language: str) -> dict[str, object] | None:
    if run.result is None:
        return None
    return {
        "shown": shown(run.result, language),
        "pictures": pictures_of(run.result, language),
        "level": 3 if isinstance(run.result, Confirmation) else 2,  # of its headings
    }


def _too_much(busy: BusyError) -> HTTPException:
    if busy.theirs:
        return HTTPException(429, headers={"retry-after": str(_SOON)})
    return FullError(CHECKS, _SOON)
