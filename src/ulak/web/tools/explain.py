"""Explain: what a reply, a bounce or a log line means, and whether it is so now."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ulak.diagnose.patience import Patience
from ulak.diagnose.reply import Given, Returned, confirm, evidence, returned
from ulak.replies import texts
from ulak.web.page import language_of, render
from ulak.web.tools.bench import Bench, file_of, text_of
from ulak.web.tools.reading import LARGEST, LARGEST_HEADER, Quoted, Reading, read
from ulak.web.tools.redact import redacted
from ulak.web.tools.runs import Result, Seen, Tell
from ulak.web.tools.told import harmless, told
from ulak.web.words import say

PATH = "/explain"
_LONGEST_LINK = 1_800  # characters of a reply that a link carries
_LONGEST_ASKED = 4_000  # of one that a link has brought
_LONGEST_FIELD = 320
_MOST_SELECTORS = 5
_DIGITS = 3  # of the number of a reply


@dataclass(frozen=True, slots=True)
class Link:
    """A link to the explanation of a reply: without what is private in it, or with all."""

    redacted: str
    whole: str
    differs: bool
    shown: str


class Explain:
    """The pages."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def routes(self) -> list[Route]:
        """Give where they are."""
        return [
            Route(PATH, self.get, methods=["GET"]),
            Route(PATH, self.post, methods=["POST"]),
            Route(f"{PATH}/check", self.check, methods=["POST"]),
        ]

    async def get(self, request: Request) -> Response:
        """Give the form, and what a reply means where the address has one."""
        reply = request.query_params.get("reply", "")[:_LONGEST_ASKED]
        if not reply.strip():
            return _page(request)
        octets = reply.encode("utf-8", "replace")
        self._bench.may_read(request, len(octets))
        reading = await self._bench.apart(lambda: read(octets))
        return _page(request, reading, text=reply)

    async def post(self, request: Request) -> Response:
        """Explain what was pasted or uploaded."""
        async with self._bench.form(request) as form:
            octets, _ = await file_of(form, "mail")
            text = text_of(form, "reply")
        uploaded = bool(octets)
        octets = octets or text.encode("utf-8", "replace")
        self._bench.may_read(request, len(octets))
        if not octets:
            return _page(request, problem="nothing", status=422)
        reading, back = await self._bench.apart(lambda: _read(octets, uploaded=uploaded))
        if not reading.quoted:
            return _page(request, problem="no-report", status=422, text=text)
        kept = self._bench.shelf.put(reading, back) if reading.bounce else ""
        return _page(request, reading, text=text, kept=kept)

    async def check(self, request: Request) -> Response:
        """Check now whether it is so what a reply says."""
        language = language_of(request)
        async with self._bench.form(request) as form:
            self._bench.may_read(request, 0)
            kept, number = text_of(form, "kept"), _number(text_of(form, "number"))
            quoted, back = await self._quoted(kept, number, text_of(form, "reply"))
            given = _given(form)
            live = bool(text_of(form, "live"))
        if quoted is None:
            missing = "gone" if kept else "nothing"
            status = 410 if kept else 422  # RFC 9110 §15.5.11
            return _page(request, problem=missing, status=status)
        made = told(quoted, language)
        if given is None:
            alone = Reading((quoted,))
            return _page(request, alone, kept=kept, number=number, problem="no-ip", status=422)
        ports, facts = self._bench.ports, made.told.facts

        async def make(tell: Tell) -> Result:
            now = ports.now()
            return await confirm(
                Patience(ports.resolver),
                evidence(facts, given, back, recipient=quoted.recipient, now=now),
                made.told.cause,
                now=now,
                gather=asyncio.gather,
                configured=ports.lists,
                ended=lambda check, verdict: tell(Seen(check, verdict)),
            )

        what = ("reply", made.told.cause, sorted(facts.items()), given, back, quoted.recipient)
        octets = len(back.message) + len(back.header)
        run = self._bench.enter(request, what, make, octets)
        context = _context(request, Reading((quoted,)), kept=kept, number=number, given=given)
        return await self._bench.followed(
            request,
            run,
            "tools/explain.html",
            live=live,
            title=made.told.title,
            checking=True,
            **context,
        )

    async def _quoted(self, kept: str, number: int, text: str) -> tuple[Quoted | None, Returned]:
        """Give the reply that is to be checked, and what is known of the message."""
        if kept:
            found = self._bench.shelf.get(kept)
            if found is None or number >= len(found.reading.quoted):
                return None, Returned()
            return found.reading.quoted[number], found.back
        octets = text[:_LONGEST_ASKED].encode("utf-8", "replace")
        reading = await self._bench.apart(lambda: read(octets))
        return (reading.quoted[0] if reading.quoted else None), Returned()


def _read(octets: bytes, *, uploaded: bool) -> tuple[Reading, Returned]:
    reading = read(octets, uploaded=uploaded)
    back = returned(octets) if reading.bounce else Returned()
    if len(back.header) > LARGEST_HEADER:
        back = replace(back, header=b"", message=b"")
    return reading, back


def _number(text: str) -> int:
    """Give which reply of a bounce is meant."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def _given(form: FormData) -> Given | None:
    """Give what the visitor knows beside the reply; None where an address is none."""

    def field(name: str) -> str:
        return text_of(form, name)[:_LONGEST_FIELD]

    ip = field("ip").strip("[]")
    if ip:
        try:
            ip = str(ipaddress.ip_address(ip))
        except ValueError:
            return None
    sender = field("mail_from")
    return Given(
        ip=ip,
        helo=field("helo"),
        mail_from=sender.removeprefix("<").removesuffix(">") if sender else None,
        from_domain=field("from_domain").rpartition("@")[2],
        domain=field("domain"),
        selectors=tuple(field("selector").split()[:_MOST_SELECTORS]),
    )


def _page(
    request: Request, reading: Reading | None = None, *, status: int = 200, problem: str = "",
    **more: Any,  # noqa: ANN401 -- as of the context
) -> Response:  # fmt: skip
    language = language_of(request)
    title = say(language, "tools.explain.title")
    if reading is not None and len(reading.quoted) == 1:
        title = reading.quoted[0].explained(language).title
    asked = bool(request.query_params) or request.method == "POST"
    return render(
        request,
        "tools/explain.html",
        title=title,
        description=say(language, "tools.explain.description"),
        status=status,
        index=not asked,
        alternates=not asked,
        headers={"cache-control": "no-store"} if asked else None,
        scripts=("live.js",),
        checking=False,
        live="",
        made=None,
        problem=say(language, f"tools.problem.{problem}") if problem else "",
        **_context(request, reading, **more),
    )


def _context(
    request: Request,
    reading: Reading | None,
    *,
    text: str = "",
    kept: str = "",
    number: int = 0,
    given: Given = Given(),  # noqa: B008 -- frozen
) -> dict[str, Any]:
    language = language_of(request)
    found = reading or Reading()
    return {
        "section": "explain",
        "told": [told(quoted, language) for quoted in found.quoted],
        "about": _about(found, language),
        "more": found.more,
        "links": [_link(quoted) for quoted in found.quoted],
        "text": text,
        "kept": kept,
        "number": number,
        "given": given,
        "labels": texts.page("labels", language),
        "megabytes": LARGEST // 1_000_000,
    }


def _about(reading: Reading, language: str) -> list[tuple[str, str]]:
    """Give what is known of the message that was not delivered, and who says so."""
    if reading.bounce is None:
        return []
    back = reading.bounce.returned
    rows = {
        "subject": back.subject,
        "message-id": back.message_id,
        "sender": back.sender,
        "date": back.date,
        "reporting-mta": reading.bounce.reporting_mta,
        "time": reading.bounce.time,
    }
    return [
        (say(language, f"tools.about.{name}"), texts.safe(value))
        for name, value in rows.items()
        if value
    ]


def _link(quoted: Quoted) -> Link:
    text = quoted.text[:_LONGEST_LINK]
    private = redacted(text)
    return Link(
        f"{PATH}?{urlencode({'reply': private})}",
        f"{PATH}?{urlencode({'reply': text})}",
        private != text,
        harmless(private),
    )
