"""The search: any id or address leads to where it is told of."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlencode

from starlette.responses import Response

from ulak.accounts.account import key_of
from ulak.journal.trace import AmbiguousError
from ulak.language.case import lower
from ulak.queue.item import Row, Selection
from ulak.web.console.desk import Here
from ulak.web.console.explained import explained
from ulak.web.console.ports import Session
from ulak.web.console.story import missing
from ulak.web.console.table import Place

_LONGEST = 320  # characters
_READ = 5_000  # recipients of the queue that are looked through for an address
_PAGE = 500
_SHOWN = 50


async def _find(here: Here) -> Response:
    wanted = here.request.query_params.get("q", "").strip()[:_LONGEST]
    if not wanted:
        return here.lead("/queue")
    if "@" in wanted:
        return await _address(here, wanted.strip("<>"))
    ip = _ip(wanted)
    if ip:
        return await _client(here, ip)
    try:
        found = await here.operation.story(wanted)
    except AmbiguousError as error:
        return here.page(
            "console/found.html",
            title=here.say("console.find.title", wanted=wanted),
            wanted=wanted,
            candidates=error.candidates,
            rows=[],
            sessions=[],
        )
    if found is not None:
        return here.lead(f"/{found.what.value}/{found.id}")
    if "." in wanted:
        return here.lead("/queue", urlencode({"domain": wanted}))
    return missing(here, wanted)


async def _address(here: Here, address: str) -> Response:
    """Look for the mail of an address in the queue: to it, and from it."""
    wanted = _folded(address)
    rows: list[Row] = []
    domain = lower(address.rpartition("@")[2])
    # Recipients are found by their domain; senders by looking through.
    for which in (Selection(domain=domain), Selection(everything=True)):
        offset = 0
        while offset < _READ and len(rows) < _SHOWN:
            listing = await here.operation.queue(which, offset, _PAGE)
            rows += [
                row
                for row in listing.rows
                if (
                    _folded(row.pending.recipient) == wanted
                    if which.domain
                    else _folded(row.sender) == wanted
                )
                and row not in rows
            ]
            offset += _PAGE
            if offset >= listing.total:
                break
    return here.page(
        "console/found.html",
        title=here.say("console.find.title", wanted=address),
        wanted=address,
        candidates=(),
        rows=[(row, explained(row.pending, here.language)) for row in rows[:_SHOWN]],
        sessions=[],
    )


async def _client(here: Here, ip: str) -> Response:
    """Look for the sessions of a client."""
    sessions: list[Session] = [
        session for session in (await here.operation.sessions(1000)).shown if session.ip == ip
    ]
    return here.page(
        "console/found.html",
        title=here.say("console.find.title", wanted=ip),
        wanted=ip,
        candidates=(),
        rows=[],
        sessions=sessions,
        ip=ip,
    )


def _folded(address: str) -> str:
    return key_of(address) or address


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return ""


PLACES = (Place("/find", show=_find),)
