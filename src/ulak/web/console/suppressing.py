"""The suppression list: whom nothing is sent to and why, and how an operator changes that.

What is to be done is asked once more, done once, and noted, as with the queue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from ulak.dns.names import to_ascii
from ulak.language.case import lower
from ulak.replies import texts
from ulak.suppression.suppressed import BY_HAND, COMPLAINT, Suppressed, key_of, whose_of
from ulak.web.console.desk import Here
from ulak.web.console.once import Result
from ulak.web.console.queue.listing import number
from ulak.web.console.table import Place, refusal
from ulak.web.words import say

_PAGE = 25  # rows
_FURTHEST = 10_000_000
_LONGEST = 320  # characters
_LONGEST_NOTE = 500
_TOKEN = 16  # octets
_ONCE = re.compile(r"[0-9a-f]{32}")
_DAY = 86_400.0
_DOMAIN = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")

SUPPRESS, LIFT = "suppress", "unsuppress"
KEPT: Mapping[str, float] = MappingProxyType(
    {"": 0.0, "30d": 30 * _DAY, "90d": 90 * _DAY, "365d": 365 * _DAY}
)
"""For how long, in seconds; 0: until it is lifted."""


@dataclass(frozen=True, slots=True)
class Why:
    """Why an address is there. `cause` has a page of its own; `theirs`: the words are a reply."""

    title: str
    means: str = ""
    cause: str = ""
    theirs: bool = False


@dataclass(frozen=True, slots=True)
class _Meant:
    """What is to be done. `wrong` names what was given wrong, a text of the page."""

    verb: str
    address: str
    whose: str = ""
    keep: str = ""
    note: str = ""
    wrong: str = ""

    @property
    def fields(self) -> dict[str, str]:
        """What a form says to mean it again."""
        given = {"address": self.address, "for": self.whose, "keep": self.keep, "note": self.note}
        return {"verb": self.verb} | {name: value for name, value in given.items() if value}


async def _show(here: Here) -> Response:
    return await _listing(here)


async def _listing(here: Here, meant: _Meant | None = None) -> Response:
    """Show a page of the list; `meant` is what could not be understood."""
    query = here.request.query_params
    wanted = query.get("q", "").strip()[:_LONGEST]
    offset = number(query.get("offset", ""), _FURTHEST)
    found = await here.operation.suppressed(part_of(wanted), offset, _PAGE)
    done: Result | None = here.desk.once.result(here.account.key, query.get("done", ""))

    def page(start: int) -> str:
        return urlencode({k: v for k, v in (("q", wanted), ("offset", start)) if v})

    return here.page(
        "console/suppressions.html",
        title=here.say("suppressions.title"),
        section="suppressions",
        wanted=wanted,
        found=found,
        rows=[(one, why(one, here.language)) for one in found.rows],
        done=done,
        kept=list(KEPT),
        meant=meant or _Meant(SUPPRESS, ""),
        before=page(max(0, offset - _PAGE)) if offset else None,
        after=page(offset + _PAGE) if offset + _PAGE < found.total else None,
        status=422 if meant else 200,
    )


async def _ask(here: Here) -> Response:
    """Say what will happen, and ask whether it is to be done."""
    meant = _read(await here.request.form())
    if meant is None:
        return refusal(here.request, "nothing-chosen", 400)
    if meant.wrong:
        return await _listing(here, meant)
    found = await here.operation.suppressed(meant.address, 0, _PAGE)
    there = [one for one in found.rows if (one.address, one.whose) == (meant.address, meant.whose)]
    return here.page(
        "console/suppressions-ask.html",
        title=here.say(f"suppressions.ask.{meant.verb}", address=meant.address),
        section="suppressions",
        meant=meant,
        there=[(one, why(one, here.language)) for one in there],
        once=here.desk.chance(_TOKEN).hex(),
    )


async def _do(here: Here) -> Response:
    """Do it, once."""
    form = await here.request.form()
    meant, token = _read(form), form.get("once")
    if meant is None or meant.wrong or not isinstance(token, str) or not _ONCE.fullmatch(token):
        return refusal(here.request, "nothing-chosen", 400)

    async def work() -> Result:
        if meant.verb == LIFT:
            count = await here.operation.unsuppress(meant.address, meant.whose, here.by)
            return Result(meant.verb, count)
        now = here.desk.clock()
        until = now + KEPT[meant.keep] if meant.keep else 0.0
        one = Suppressed(meant.address, meant.whose, BY_HAND, meant.note, "", now, until)
        await here.operation.suppress(one, here.by)
        return Result(meant.verb, 1)

    await here.desk.once.do(here.account.key, token, work)
    return here.lead("/suppressions", urlencode({"done": token}))


def part_of(wanted: str) -> str:
    """Give what to look for, as addresses are kept: a domain in lower-case A-labels."""
    local, at, domain = wanted.strip("<>").rpartition("@")
    folded = None if domain.isascii() else to_ascii(domain)
    return f"{local}{at}{folded or lower(domain)}"


def why(one: Suppressed, language: str) -> Why:
    """Tell why an address is there."""
    if one.cause in (BY_HAND, COMPLAINT):
        title, means = (f"suppressions.why.{one.cause}.{name}" for name in ("title", "means"))
        return Why(say(language, title), say(language, means))
    try:
        text = texts.cause(one.cause, language)
    except KeyError:
        return Why(one.cause, theirs=True)
    return Why(text.title, text.means, one.cause, theirs=True)


def _read(form: FormData) -> _Meant | None:
    """Read what is meant; None where nothing is."""
    given = {
        name: value.strip() if isinstance(value := form.get(name, ""), str) else ""
        for name in ("verb", "address", "for", "keep", "note")
    }
    if given["verb"] not in (SUPPRESS, LIFT) or given["keep"] not in KEPT:
        return None
    address, whose = given["address"].strip("<>")[:_LONGEST], given["for"].lstrip("@")[:_LONGEST]
    note = " ".join(given["note"].split())[:_LONGEST_NOTE]
    key, domain = key_of(address), whose_of(f"@{whose}")
    wrong = "" if key and not re.search(r"\s", key) else "no-address"
    if not wrong and whose and not _DOMAIN.fullmatch(domain):
        wrong = "no-domain"
    if wrong:
        return _Meant(given["verb"], address, whose, given["keep"], note, wrong)
    return _Meant(given["verb"], key or "", domain, given["keep"], note)


PLACES = (
    Place("/suppressions", show=_show, section="suppressions"),
    Place("/suppressions/ask", act=_ask),
    Place("/suppressions/do", act=_do),
)
