"""The search: any id or address leads to where it is told of."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlencode

from starlette.responses import Response

from ulak.accounts.account import key_of
from ulak.dns.names import to_ascii
from ulak.journal.trace import AmbiguousError
from ulak.queue.item import Selection
from ulak.web.console.desk import Here
from ulak.web.console.ports import Session
from ulak.web.console.story import missing
from ulak.web.console.suppressing import part_of
from ulak.web.console.table import Place

_LONGEST = 320  # characters


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
            sessions=[],
        )
    if found is not None:
        return here.lead(f"/{found.what.value}/{found.id}")
    if "." in wanted:
        return here.lead("/queue", urlencode({"domain": wanted}))
    return missing(here, wanted)


async def _address(here: Here, address: str) -> Response:
    """Look for the mail of an address in the queue: to it, and from it."""
    local, _, domain = address.rpartition("@")
    # A domain has two spellings, and the queue has the one that it was given with.
    spellings = (address, key_of(address) or "", f"{local}@{to_ascii(domain) or domain}")
    for spelling in dict.fromkeys(filter(None, spellings)):
        if (await here.operation.queue(Selection(address=spelling), 0, 1)).total:
            return here.lead("/queue", urlencode({"address": spelling}))
    part = part_of(address)
    stopped = (await here.operation.suppressed(part, 0, 1)).total
    return here.page(
        "console/found.html",
        title=here.say("console.find.title", wanted=address),
        wanted=address,
        candidates=(),
        sessions=[],
        stopped=part if stopped else "",
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
        sessions=sessions,
        ip=ip,
    )


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.strip("[]")))
    except ValueError:
        return ""


PLACES = (Place("/find", show=_find),)
