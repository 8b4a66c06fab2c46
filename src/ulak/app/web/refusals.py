"""The page about refusals: its journal, its checks, and how often they may be asked."""

from __future__ import annotations

import asyncio
import re
import time
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from ulak.app.asking.journals import AllJournals
from ulak.app.asking.others import FromThread
from ulak.diagnose.patience import Patience
from ulak.diagnose.reply import Confirmation, Evidence, confirm
from ulak.dns.names import to_ascii
from ulak.journal.reader import JournalReader, journals
from ulak.journal.refusal import Refused, Seen, seen
from ulak.journal.trace import JournalError
from ulak.web.application import Piece
from ulak.web.rate import Rate
from ulak.web.refusals import Why, piece

if TYPE_CHECKING:  # the parts have this one
    from ulak.app.web.parts import WebParts

_AT_ONCE = 4  # lookups, and checks: what strangers ask for must not fill this process
_AT_ONCE_FAR = 1  # questions to all other servers: still less may it fill those
_LATE = 20.0  # seconds that somebody waits for a check
_QUESTIONS = 200  # to DNS for one check
_MINUTE, _HOUR = 60.0, 3600.0
_ZONE = re.compile(r"(?:[A-Za-z0-9_-]{1,63}\.){1,20}[A-Za-z0-9_-]{1,63}")


def why_piece(parts: WebParts) -> Piece | None:
    """Make the page, if it is wanted."""
    return None if parts.why is None else piece(parts.why)


def why_of(parts: WebParts) -> Why | None:
    """Make what the page and the API share, if it is wanted."""
    why = parts.config.why
    if not why.page:
        return None
    finder = Finder(parts, why.keep)
    return Why(
        find=finder,
        check=Checker(parts),
        requests=Rate(why.requests_per_minute, _MINUTE, time.monotonic),
        checks=Rate(why.checks_per_hour, _HOUR, time.monotonic),
        unsure=finder.unsure,
    )


class Finder:
    """Finds refusals in the journals of this server, else in those of other servers.

    Those older than `keep` seconds are gone.
    """

    def __init__(self, parts: WebParts, keep: float) -> None:
        self._folder = parts.places.data / "journal"
        self._clock = parts.clock
        self._keep = keep
        self._others = parts.others
        self._turn = asyncio.Semaphore(_AT_ONCE)
        self._others_turn = asyncio.Semaphore(_AT_ONCE_FAR)

    def unsure(self) -> bool:
        """Whether somebody who may know a refusal did not answer when last asked."""
        return bool(self._others.silent) or self._others.away

    async def __call__(self, identifier: str, /) -> Seen | None:
        """Find one by its whole id."""
        async with self._turn:
            found = await asyncio.to_thread(_look, self._folder, identifier)
        if found is None and self._others.me:
            async with self._others_turn:
                reader = AllJournals(JournalReader(()), FromThread(self._others))
                found = await asyncio.to_thread(reader.refused, identifier)
        if found is None or self._clock() - found.entry.time > self._keep:
            return None
        return seen(found)


def _look(folder: Path, identifier: str) -> Refused | None:
    try:
        return JournalReader(journals(folder)).refused(identifier)
    except JournalError:  # nothing has been written yet
        return None


class Checker:
    """Asks DNS whether it is so now what a refusal said."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def __call__(self, told: Seen, /) -> Confirmation | None:
        """Make the checks for what the refusal was about."""
        try:
            async with asyncio.timeout(_LATE), self._turn:
                return await confirm(
                    Patience(self._parts.resolver, most=_QUESTIONS),
                    evidence_of(told),
                    told.cause,
                    now=self._parts.clock(),
                    gather=asyncio.gather,
                )
        except TimeoutError:
            return None


def evidence_of(told: Seen) -> Evidence:
    """Give of whom the checks are made: of what may be seen, and of nothing else."""
    by_check = {look.check: look.facts for look in reversed(told.looks)}
    author = by_check.get("dmarc", {}).get("domain", "")
    keys = [look.facts for look in told.looks if look.check == "dkim"]
    zone = told.facts.get("zone", "")  # or a label, for one that has a key of ours in it
    domain = told.facts.get("domain", "") or by_check.get("spf", {}).get("domain", "")
    sender = told.sender_domain
    return Evidence(
        ip=_ip(told.facts.get("ip", "")),
        helo=told.facts.get("client", ""),
        sender=f"postmaster@{sender}" if sender else sender,
        from_domain=to_ascii(author) or "",
        domain=to_ascii(domain) or "",
        zone=zone if _ZONE.fullmatch(zone) else "",
        signers=tuple(
            (one["selector"], one["domain"])
            for one in keys
            if one.get("selector") and to_ascii(one.get("domain", ""))
        ),
    )


def _ip(text: str) -> str:
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
