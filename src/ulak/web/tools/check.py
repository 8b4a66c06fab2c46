"""Check: what an IP address, a domain or a message is worth to those who receive mail."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from ulak.checks.dkim import with_crlf
from ulak.diagnose import address, domain, message
from ulak.diagnose.diagnosis import Check, Ended
from ulak.diagnose.message import Envelope
from ulak.diagnose.patience import Patience
from ulak.mail.message import split
from ulak.replies.texts import safe
from ulak.web.addresses import localized
from ulak.web.page import language_of, render
from ulak.web.tools.bench import LIVE, SCRIPTS, Bench, file_of, text_of
from ulak.web.tools.reading import LARGEST, LARGEST_HEADER
from ulak.web.tools.runs import Result, Run, Seen, Tell
from ulak.web.tools.target import domain_of, ip_of, target_of
from ulak.web.words import say

PATH = "/check"
_LONGEST_FIELD = 320
_MOST_SELECTORS = 5
_UNKNOWN = Envelope()


class Checking:
    """The pages."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def routes(self) -> list[Route]:
        """Give where they are."""
        return [
            Route(PATH, self.start, methods=["GET", "POST"]),
            Route(f"{PATH}/ip", self.ip, methods=["GET"]),
            Route(f"{PATH}/domain", self.domain, methods=["GET"]),
            Route(f"{PATH}/message", self.message_form, methods=["GET"]),
            Route(f"{PATH}/message", self.message, methods=["POST"]),
            Route(f"{LIVE}/{{id:str}}", self._bench.live, methods=["GET"]),
        ]

    async def start(self, request: Request) -> Response:
        """Give the field that knows what is written in it, and lead to what that is."""
        if request.method == "GET":
            text, live = request.query_params.get("what", ""), request.query_params.get("live", "")
            if not text.strip():
                return _page(request, "start")
        else:
            async with self._bench.form(request) as form:
                octets, name = await file_of(form, "mail")
                text, live = text_of(form, "what"), text_of(form, "live")
            if octets:
                return await self._message(request, octets, name, Envelope(), live=bool(live))
        what = target_of(text)
        match what.kind:
            case "message" if request.method == "POST":
                octets = text.encode("utf-8", "replace")
                return await self._message(request, octets, "", Envelope(), live=bool(live))
            case "ip" | "domain":
                given = {"ip": what.value} if what.kind == "ip" else {"name": what.value}
                query = urlencode({**given, **({"live": "1"} if live else {})})
                path = localized(f"{PATH}/{what.kind}", language_of(request))
                return RedirectResponse(f"{path}?{query}", 303)
            case _:
                return _page(request, "start", problem="no-target", status=422, text=text[:2_000])

    async def ip(self, request: Request) -> Response:
        """Check an IP address: its name, and the lists that have it."""
        query = request.query_params
        text, greeting = query.get("ip", ""), query.get("helo", "").strip()[:_LONGEST_FIELD]
        if not text.strip():
            return _page(request, "ip")
        ip = ip_of(text)
        if ip is None:
            return _page(request, "ip", problem="no-ip", status=422, text=text[:200])
        run = self.of_ip(request, ip, greeting)
        return await self._followed(request, run, "ip", ip, greeting=greeting)

    def of_ip(self, request: Request, ip: str, greeting: str = "") -> Run:
        """Give the run that checks an address; HTTPException as `Bench.enter`."""
        ports = self._bench.ports

        async def make(tell: Tell) -> Result:
            return await address.diagnose(
                Patience(ports.resolver),
                ip=ip,
                zones=ports.lists,
                greeting=greeting,
                known=True,
                gather=asyncio.gather,
                ended=_telling(tell),
            )

        return self._bench.enter(request, ("ip", ip, greeting), make)

    async def domain(self, request: Request) -> Response:
        """Check a domain: what it publishes, and as far as wanted how its servers speak TLS."""
        query = request.query_params
        text, connect = query.get("name", ""), bool(query.get("connect"))
        if not text.strip():
            return _page(request, "domain")
        name = domain_of(text.rpartition("@")[2])
        if name is None:
            return _page(request, "domain", problem="no-domain", status=422, text=text[:300])
        selectors = tuple(query.get("selector", "")[:_LONGEST_FIELD].split()[:_MOST_SELECTORS])
        run = self.of_domain(request, name, selectors, connect=connect)
        selector = " ".join(selectors)
        return await self._followed(
            request, run, "domain", name, selector=selector, connect=connect
        )

    def of_domain(
        self, request: Request, name: str, selectors: tuple[str, ...] = (), *, connect: bool = False
    ) -> Run:
        """Give the run that checks a domain; HTTPException as `Bench.enter`."""
        ports = self._bench.ports

        async def make(tell: Tell) -> Result:
            shake = ports.shake if connect else None
            return await domain.diagnose(
                Patience(ports.resolver),
                domain=name,
                selectors=selectors,
                gather=asyncio.gather,
                beyond=domain.Beyond(ports.fetch, shake, ports.now(), listed=True),
                ended=_telling(tell),
            )

        return self._bench.enter(request, ("domain", name, selectors, connect), make)

    async def message_form(self, request: Request) -> Response:
        """Give the form for a message."""
        return _page(request, "message")

    async def message(self, request: Request) -> Response:
        """Check who a message is really from."""
        async with self._bench.form(request) as form:
            octets, name = await file_of(form, "mail")
            octets = octets or text_of(form, "text").encode("utf-8", "replace")
            ip, helo, sender = (
                text_of(form, field)[:_LONGEST_FIELD] for field in ("ip", "helo", "mail_from")
            )
            live = bool(text_of(form, "live"))
        if not octets:
            return _page(request, "message", problem="no-message", status=422)
        if ip and ip_of(ip) is None:
            return _page(request, "message", problem="no-ip", status=422)
        path = sender.removeprefix("<").removesuffix(">") if sender else None
        given = Envelope(ip_of(ip) if ip else None, helo or None, path)
        return await self._message(request, octets, name, given, live=live)

    async def _message(
        self, request: Request, octets: bytes, name: str, given: Envelope, *, live: bool
    ) -> Response:
        octets = with_crlf(octets)
        if too_large(octets):
            return _page(request, "message", problem="large-header", status=422)
        called = safe(name) or say(language_of(request), "tools.check.pasted")
        run = self.of_message(request, octets, called, given)
        return await self._followed(request, run, "message", called, live=live)

    def of_message(
        self, request: Request, octets: bytes, called: str = "", given: Envelope = _UNKNOWN
    ) -> Run:
        """Give the run that checks a message; HTTPException as `Bench.enter`."""
        ports = self._bench.ports

        async def make(tell: Tell) -> Result:
            return await message.diagnose(
                Patience(ports.resolver),
                octets,
                name=called,
                given=given,
                now=ports.now(),
                gather=asyncio.gather,
                answering=ports.answering,
                ended=_telling(tell),
            )

        what = ("message", hashlib.sha256(octets).hexdigest(), called, given)
        return self._bench.enter(request, what, make, len(octets))

    async def _followed(
        self, request: Request, run: Run, kind: str, subject: str, *, live: bool | None = None,
        **given: Any,  # noqa: ANN401 -- what the form has beside its field
    ) -> Response:  # fmt: skip
        language = language_of(request)
        if live is None:
            live = bool(request.query_params.get("live"))
        whole = ""
        if request.method == "GET":
            query = [(k, v) for k, v in request.query_params.multi_items() if k != "live"]
            whole = f"{PATH}/{kind}?{urlencode(query)}"
        return await self._bench.followed(
            request,
            run,
            "tools/check.html",
            live=live,
            title=say(language, f"tools.check.of-{kind}", subject=subject),
            whole=whole,
            **_context(kind, text=subject if kind != "message" else "", **given),
        )


def too_large(octets: bytes) -> bool:
    """Whether the header of a message is larger than any server takes."""
    return len(split(octets)[0]) > LARGEST_HEADER


def _telling(tell: Tell) -> Ended:
    def ended(check: Check) -> None:
        tell(Seen(check))

    return ended


def _page(
    request: Request, kind: str, *, status: int = 200, problem: str = "", text: str = ""
) -> Response:
    language = language_of(request)
    return render(
        request,
        "tools/check.html",
        title=say(language, f"tools.check.title-{kind}"),
        description=say(language, f"tools.check.description-{kind}"),
        status=status,
        index=not request.query_params and request.method == "GET",
        headers={"cache-control": "no-store"} if problem else None,
        scripts=SCRIPTS[2:],
        live="",
        made=None,
        whole="",
        problem=say(language, f"tools.problem.{problem}") if problem else "",
        **_context(kind, text=text),
    )


def _context(
    kind: str, *, text: str = "", greeting: str = "", selector: str = "", connect: bool = False
) -> dict[str, Any]:
    return {
        "section": "check",
        "kind": kind,
        "text": text,
        "greeting": greeting,
        "selector": selector,
        "connect": connect,
        "megabytes": LARGEST // 1_000_000,
    }
